/** What is kept of a tuning, and under which name: for the stores of `tuning.node.ts` and `tuning.web.ts`. */
import type { Gpu } from '../gpu/device/gpu.ts';
import type { TileSizes } from '../gpu/device/variant.ts';
import type { WorkgroupLimits } from './candidates.ts';
import { tileProblem } from './candidates.ts';
import type { TunedNetwork, Tuning } from './tuning.ts';
import { gainOf, tuningRows } from './tuning.ts';

/** What of a `Gpu` is needed to know which entries are its own, and whether it can have them. */
export interface TunedAdapter {
  readonly info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>;
  readonly variant: Pick<Gpu['variant'], 'lanes'>;
  readonly device: { readonly limits: WorkgroupLimits };
}

export interface TunedEntry extends TunedNetwork {
  readonly tile: TileSizes;
  /** How much faster than the default it was, 0.12 for 12 %; null if the default was refused. */
  readonly gain: number | null;
  /** When it was measured, ISO 8601. */
  readonly date: string;
}

/**
 * Names an adapter with its driver, which WebGPU has in the description, and what the kernels depend on beside it: the
 * versions of packages, or the shaders themselves.
 */
export function adapterKey({ info }: Pick<TunedAdapter, 'info'>, versions: readonly string[]): string {
  const { vendor, architecture, device, description } = info;
  return [vendor, architecture, device, description, ...versions].join(' | ');
}

/** Names an entry: the adapter, and the shape that was timed. */
export function tuningKey(gpu: Pick<TunedAdapter, 'info'>, network: TunedNetwork, versions: readonly string[]): string {
  const { channels, kernelSize } = network;
  return `${adapterKey(gpu, versions)} | C=${channels} K=${kernelSize} rows=2^${Math.round(Math.log2(tuningRows))}`;
}

/** What is kept of a tuning. Throws if it has no winner. */
export function entryOf({ channels, kernelSize }: TunedNetwork, tuning: Pick<Tuning, 'trials' | 'best'>): TunedEntry {
  const { best } = tuning;
  if (!best) throw new Error('a tuning without a winner is not kept');
  return { channels, kernelSize, tile: best.tile, gain: gainOf(tuning) ?? null, date: new Date().toISOString() };
}

/** The value of a store if it is an entry that this adapter can have: people may edit it. */
export function usableEntry(gpu: TunedAdapter, value: unknown): TunedEntry | undefined {
  const { tile, gain } = (value ?? {}) as Partial<TunedEntry>;
  const isEntry = typeof tile === 'object' && tile !== null && (gain === null || typeof gain === 'number');
  return isEntry && tileProblem(tile, gpu.variant.lanes, gpu.device.limits) === undefined ? (value as TunedEntry) : undefined;
}
