/** What a command does first when it needs an adapter. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { bestAdapter, isSoftwareAdapter } from '../../../src/gpu/device/adapter.ts';
import type { Machine } from '../../../src/platform/hardware.node.ts';
import { missedGpu } from '../../../src/platform/hardware.node.ts';
import { provideNodePlatform } from '../../../src/platform/platform.node.ts';
import type { PlatformOptions } from '../../../src/platform/platform.ts';
import { openProvider, releaseProvider, togglesFor } from '../../../src/platform/provider.node.ts';
import { noAdapter, prepareSoftwareAdapter } from '../../../src/platform/software.node.ts';

/** Set in a process that was started again, so that it does not start a third. */
const RESTARTED = 'DIFFWAVE_RESTARTED';

/** Whether an unused GPU was spoken of: commands may ask more than once, and a program that was started again was told by the first one. */
let isTold = process.env[RESTARTED] !== undefined;

/**
 * Provides Node's platform, and returns where WebGPU has an adapter. Where it has none, prepares the software adapter and runs
 * this same program again with it, then ends with that program's exit code: the dynamic loader reads LD_LIBRARY_PATH only when
 * a process starts. Where the machine has a GPU all the same, says so and why it is not used. `options` are the platform's. Throws a
 * `UserError` with what to install if there is still none.
 */
export async function ensureAdapter(options: PlatformOptions = {}): Promise<void> {
  provideNodePlatform();
  const provider = await openProvider(togglesFor(options));
  const adapter = await provider.requestAdapter(bestAdapter);
  const note = isTold ? undefined : unusedGpuNote(adapter);
  isTold = true;
  if (note !== undefined) console.error(note);
  if (adapter) return;
  releaseProvider();
  if (process.env[RESTARTED]) throw noAdapter('no WebGPU adapter, and the software adapter does not run here');
  const environment = await prepareSoftwareAdapter((line) => console.error(line));
  if (!environment) throw noAdapter('no WebGPU adapter, and DIFFWAVE_SOFTWARE_ADAPTER is off');
  process.exit(await runAgain(environment));
}

/** A line about a GPU that the machine has and WebGPU does not show, where the best adapter is a program or there is none. */
export function unusedGpuNote(adapter: GPUAdapter | null, machine?: Machine): string | undefined {
  if (adapter && !isSoftwareAdapter(adapter)) return undefined;
  const missed = missedGpu(machine);
  return missed && `note: ${missed}. On the processor everything may take a hundred times as long`;
}

/** Runs this program with the same arguments and streams and a wider environment; resolves to its exit code. */
function runAgain(environment: Record<string, string>): Promise<number> {
  const needsLoader = import.meta.url.endsWith('.ts') && !process.execArgv.some((arg) => arg.includes('tsx'));
  const loader = needsLoader ? ['--import', import.meta.resolve('tsx')] : [];
  // MPICH's launcher hands its processes a descriptor; of others than the streams Node passes on only those that are named.
  const handedOn = Number(process.env.PMI_FD ?? 0);
  const others = Array.from({ length: Math.max(0, handedOn - 2) }, (_, i) => (i + 3 === handedOn ? handedOn : ('ignore' as const)));
  const child = spawn(process.execPath, [...process.execArgv, ...loader, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', ...others],
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
