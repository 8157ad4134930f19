/**
 * Where the results of `tuning.ts` are kept: one JSON file in the user's cache folder, an entry for every adapter,
 * driver, version and network. Whoever reads it sees the old file or the new one. Two processes that write at the same
 * moment may lose one of the entries, which costs no more than tuning again.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../disk/cache.node.ts';
import { writeFileAtomic } from '../disk/files.node.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import type { TileSizes } from '../gpu/device/variant.ts';
import type { TunedNetwork, Tuning, WorkgroupLimits } from './tuning.ts';
import { gainOf, tileProblem, tuningRows } from './tuning.ts';

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

export type Versions = Readonly<Record<'diffwave-webgpu' | 'webgpu', string>>;

/** The file of this user. */
export function tuningFile(): string {
  return join(cacheFolder(), 'tuning.json');
}

/** Of this package, whose kernels are tuned, and of the one that compiles them. */
export function installedVersions(): Versions {
  const versionOf = (path: string): string => createRequire(import.meta.url)(path).version; // one's own name works, too
  return { 'diffwave-webgpu': versionOf('diffwave-webgpu/package.json'), webgpu: versionOf('webgpu/package.json') };
}

/** Names an adapter with its driver, which WebGPU has in the description, and the versions. */
export function adapterKey({ info }: Pick<TunedAdapter, 'info'>, versions = installedVersions()): string {
  const { vendor, architecture, device, description } = info;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [vendor, architecture, device, description, ...packages].join(' | ');
}

/** Names an entry: the adapter, and the shape that was timed. */
export function tuningKey(gpu: Pick<TunedAdapter, 'info'>, network: TunedNetwork, versions = installedVersions()): string {
  const { channels, kernelSize } = network;
  return `${adapterKey(gpu, versions)} | C=${channels} K=${kernelSize} rows=2^${Math.round(Math.log2(tuningRows))}`;
}

/** What was chosen for this adapter and network, if anything that the adapter can have. */
export function findTuned(gpu: TunedAdapter, network: TunedNetwork, path = tuningFile()): TunedEntry | undefined {
  const entry = readEntries(path)[tuningKey(gpu, network)];
  return isEntry(entry) && fits(gpu, entry) ? entry : undefined;
}

/** All that was chosen for this adapter with these versions. */
export function tunedFor(gpu: TunedAdapter, path = tuningFile()): TunedEntry[] {
  const start = `${adapterKey(gpu)} | `;
  return Object.entries(readEntries(path))
    .filter(([key]) => key.startsWith(start))
    .map(([, entry]) => entry)
    .filter((entry) => isEntry(entry) && fits(gpu, entry));
}

/** Keeps the winner of a tuning. Throws what the file system says if the file cannot be written. */
export function keepTuned(
  gpu: Pick<TunedAdapter, 'info'>, network: TunedNetwork, tuning: Pick<Tuning, 'trials' | 'best'>, path = tuningFile(),
): void {
  const { best } = tuning;
  if (!best) throw new Error('a tuning without a winner is not kept');
  const { channels, kernelSize } = network;
  const entry: TunedEntry = {
    channels, kernelSize, tile: best.tile, gain: gainOf(tuning) ?? null, date: new Date().toISOString(),
  };
  const entries = { ...readEntries(path), [tuningKey(gpu, network)]: entry };
  writeFileAtomic(path, `${JSON.stringify(entries, null, 2)}\n`);
}

/** The file's entries as they stand there; none if it cannot be read or is no JSON object. */
function readEntries(path: string): Record<string, TunedEntry> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, TunedEntry>) : {};
  } catch {
    return {}; // it can be measured again
  }
}

/** People may edit the file: whatever is not an entry counts for nothing. */
function isEntry(entry: Partial<TunedEntry> | null | undefined): entry is TunedEntry {
  const { tile, gain } = entry ?? {};
  return typeof tile === 'object' && tile !== null && (gain === null || typeof gain === 'number');
}

function fits({ variant, device }: TunedAdapter, { tile }: TunedEntry): boolean {
  return tileProblem(tile, variant.lanes, device.limits) === undefined;
}
