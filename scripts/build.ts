/**
 * `npm run build`: makes `dist/`, which is what the package consists of: JavaScript, type declarations and source maps of
 * `src/` and `scripts/`, the shaders as files for Node and as one module for browsers, and the page, bundled.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../src/errors.ts';
import { command } from './lib/cli/command.ts';
import { inPackage } from './lib/cli/invocation.ts';
import { shaderModule } from './lib/web/shaders.ts';
import { bundlePage, bundledPage } from './lib/web/site.ts';

const dist = inPackage('dist');

await command({ name: 'build', summary: 'Makes dist/, the package as it is published.', flags: {} }).does(async () => {
  rmSync(dist, { recursive: true, force: true });
  compile();
  for (const file of filesBelow(dist, '.d.ts')) {
    // The compiler rewrites the imports of JavaScript only; commands are run and not imported, so nobody needs their types.
    if (file.startsWith(join(dist, 'scripts'))) rmSync(file);
    else writeFileSync(file, readFileSync(file, 'utf8').replace(/(from |import\()'(\.[^']+)\.ts'/g, "$1'$2.js'"));
  }
  cpSync(inPackage('shaders'), join(dist, 'shaders'), { recursive: true });
  cpSync(inPackage('scripts/lib/report/client.js'), join(dist, 'scripts/lib/report/client.js'));
  writeFileSync(join(dist, 'shaders.js'), shaderModule());
  for (const [path, bytes] of await bundlePage()) {
    const file = inPackage(join(bundledPage, path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  chmodSync(join(dist, 'scripts/diffwave.js'), 0o755);
  console.log(`built     ${filesBelow(dist, '').length} files in dist/`);
}).run();

function compile(): void {
  const compiler = inPackage('node_modules/typescript/lib/tsc.js');
  const { status } = spawnSync(process.execPath, [compiler, '--project', inPackage('tsconfig.build.json')], { stdio: 'inherit' });
  if (status !== 0) throw new UserError('the compiler found faults, see above: there is no package');
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name)); // Node 20.11 has no parentPath yet
}
