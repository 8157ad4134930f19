/** What every bench opens first: the adapter with exact timestamps, a stopwatch, and the probes. */
import { readFile } from 'node:fs/promises';
import { ensureAdapter } from '../../scripts/lib/adapter/gpu.ts';
import { bestAdapter } from '../../src/gpu/device/adapter.ts';
import { Gpu } from '../../src/gpu/device/gpu.ts';
import { workerSeconds } from './cpuTime.ts';
import { openProvider, releaseProvider, togglesFor } from '../../src/platform/provider.node.ts';
import { platformOn } from '../../src/platform/platform.node.ts';
import { Stopwatch } from '../../src/gpu/device/timing.ts';
import type { Machine } from '../../src/roofline/probes.ts';
import { Probes, probeShaders } from '../../src/roofline/probes.ts';

export type { Machine };

/** Dawn rounds timestamps for fear of web pages that spy; a bench wants them as they are. */
const exactTimestamps = 'disable-dawn-features=timestamp_quantization';

/** Never collected, as dawn.node does not survive that: `ensureAdapter` has asked this one for an adapter. */
const kept: GPU[] = [];

/** Once only: it asks Dawn as it usually is, which cannot be while Dawn is open with other toggles. */
let ensured: Promise<void> | undefined;

/** With `matrices`, also for subgroup matrices, which are an experiment of Dawn's. */
export async function openMachine({ matrices = false } = {}): Promise<Machine> {
  await (ensured ??= ensureAdapter());
  const provider = await anotherProvider([...togglesFor({ matrices }), exactTimestamps]);
  const gpu = await openOn(provider, { matrices });
  const stopwatch = new Stopwatch(gpu);
  const clocks = { gpu, stopwatch, processorSeconds: workerSeconds };
  return { ...clocks, probes: await Probes.open(clocks) };
}

/** The adapter as Dawn describes it when it also offers subgroup matrices. */
export async function adapterWithMatrices(): Promise<GPUAdapter> {
  await (ensured ??= ensureAdapter());
  const provider = await anotherProvider(togglesFor({ matrices: true }));
  const adapter = await provider.requestAdapter(bestAdapter);
  if (!adapter) throw new Error('the adapter is gone as soon as experiments are allowed');
  return adapter;
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
export function openOn(provider: GPU, { matrices = false } = {}): Promise<Gpu> {
  return Gpu.open({ platform: platformOn(provider, readShader), matrices });
}

function readShader(stem: string): Promise<string> {
  const folder = probeShaders.includes(stem) ? './probes' : '../shaders';
  return readFile(new URL(`../${folder}/${stem}.wgsl`, import.meta.url), 'utf8');
}
