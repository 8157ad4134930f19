/** What every bench opens first: the adapter with exact timestamps, a stopwatch, and the probes. */
import { readFile } from 'node:fs/promises';
import { ensureAdapter } from '../../scripts/lib/adapter/gpu.ts';
import { Gpu } from '../../src/gpu/device/gpu.ts';
import { openProvider, releaseProvider, usualToggles } from '../../src/platform/provider.node.ts';
import { Stopwatch } from '../../src/gpu/device/timing.ts';
import { Probes, probeShaders } from './probes.ts';

export interface Machine {
  readonly gpu: Gpu;
  readonly stopwatch: Stopwatch;
  readonly probes: Probes;
}

/** Dawn rounds timestamps for fear of web pages that spy; a bench wants them as they are. */
const exactTimestamps = 'disable-dawn-features=timestamp_quantization';

/** Never collected, as dawn.node does not survive that: `ensureAdapter` has asked this one for an adapter. */
const kept: GPU[] = [];

/** Once only: it asks Dawn as it usually is, which cannot be while Dawn is open with other toggles. */
let ensured: Promise<void> | undefined;

/** With `unsafe`, Dawn also offers what is experimental: subgroup matrices. */
export async function openMachine({ unsafe = false } = {}): Promise<Machine> {
  await (ensured ??= ensureAdapter());
  const provider = await anotherProvider([...toggles(unsafe), exactTimestamps]);
  const gpu = await openOn(provider);
  const stopwatch = new Stopwatch(gpu);
  return { gpu, stopwatch, probes: await Probes.open(gpu, stopwatch) };
}

/** The adapter as Dawn describes it when it also offers what is experimental. */
export async function unsafeAdapter(): Promise<GPUAdapter> {
  await (ensured ??= ensureAdapter());
  const provider = await anotherProvider(toggles(true));
  const adapter = await provider.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('the adapter is gone as soon as experimental features are allowed');
  return adapter;
}

/** A list of features counts once only, so that all of them go into one. */
function toggles(unsafe: boolean): string[] {
  return unsafe ? [`${usualToggles.join(',')},allow_unsafe_apis`] : [...usualToggles];
}

/** Dawn with other toggles than the one that is open, which is kept. */
async function anotherProvider(wanted: string[]): Promise<GPU> {
  if (kept.length === 0) kept.push(await openProvider());
  releaseProvider();
  const provider = await openProvider(wanted);
  kept.push(provider);
  return provider;
}

/** A Gpu on an adapter of this provider, with the probes' shaders among its own. */
export function openOn(provider: GPU): Promise<Gpu> {
  return Gpu.open({ platform: { gpu: provider, shader: readShader, release: releaseProvider } });
}

function readShader(stem: string): Promise<string> {
  const folder = probeShaders.includes(stem) ? './probes' : '../shaders';
  return readFile(new URL(`../${folder}/${stem}.wgsl`, import.meta.url), 'utf8');
}
