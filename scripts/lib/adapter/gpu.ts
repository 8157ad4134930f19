/** What a command does first when it needs an adapter. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { provideNodePlatform } from '../../../src/platform/platform.node.ts';
import type { PlatformOptions } from '../../../src/platform/platform.ts';
import { openProvider, releaseProvider, togglesFor } from '../../../src/platform/provider.node.ts';
import { noAdapter, prepareSoftwareAdapter } from '../../../src/platform/software.node.ts';

/** Set in a process that was started again, so that it does not start a third. */
const RESTARTED = 'DIFFWAVE_RESTARTED';

/**
 * Provides Node's platform, and returns where WebGPU has an adapter. Where it has none, prepares the software adapter and runs this same program
 * again with it, then ends with that program's exit code: the dynamic loader reads LD_LIBRARY_PATH only when a
 * process starts. `options` are the platform's. Throws a `UserError` with what to install if there is still none.
 */
export async function ensureAdapter(options: PlatformOptions = {}): Promise<void> {
  provideNodePlatform();
  const provider = await openProvider(togglesFor(options));
  if (await provider.requestAdapter()) return;
  releaseProvider();
  if (process.env[RESTARTED]) throw noAdapter('no WebGPU adapter, and the software adapter does not run here');
  const environment = await prepareSoftwareAdapter((line) => console.error(line));
  if (!environment) throw noAdapter('no WebGPU adapter, and DIFFWAVE_SOFTWARE_ADAPTER is off');
  process.exit(await runAgain(environment));
}

/** Runs this program with the same arguments and streams and a wider environment; resolves to its exit code. */
function runAgain(environment: Record<string, string>): Promise<number> {
  const needsLoader = import.meta.url.endsWith('.ts') && !process.execArgv.some((arg) => arg.includes('tsx'));
  const loader = needsLoader ? ['--import', import.meta.resolve('tsx')] : [];
  const child = spawn(process.execPath, [...process.execArgv, ...loader, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, ...environment, [RESTARTED]: '1' },
  });
  // Ctrl-C in a terminal reaches both processes: this one only waits for the other to save and end. Without a
  // terminal a signal was meant for this process alone, and is passed on.
  process.removeAllListeners('SIGINT').on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.removeAllListeners('SIGTERM').on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  });
}
