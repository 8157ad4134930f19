/** Peers are installed when they are wanted, into the user's cache folder: the project does not depend on them. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../src/disk/cache.node.ts';

/** A folder with these packages in its `node_modules`, installed at the first call. `packages` carry exact versions. */
export async function installed(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(cacheFolder(), 'peers', `${name}-${packages[0]!.split('@').at(-1)}`);
  if (existsSync(folder)) return folder;
  const making = `${folder}.${process.pid}.tmp`;
  mkdirSync(making, { recursive: true });
  try {
    writeFileSync(join(making, 'package.json'), '{ "private": true }\n');
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...packages];
    await promisify(execFile)('npm', args, { cwd: making, shell: process.platform === 'win32' });
    renameSync(making, folder);
    return folder;
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? '').split('\n').find((line) => line.includes('error'));
    throw new Error(`npm could not install ${packages.join(' ')} (${said?.trim() ?? (error as Error).message})`);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
