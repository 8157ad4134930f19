/**
 * Where Node keeps the results of `tuning.ts`: one JSON file in the user's cache folder, an entry for every adapter,
 * driver, version and network. Whoever reads it sees the old file or the new one. Two processes that write at the same
 * moment may lose one of the entries, which costs no more than tuning again.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../disk/cache.node.ts';
import { writeFileAtomic } from '../disk/files.node.ts';
import type { TunedAdapter, TunedEntry } from './entries.ts';
import { adapterKey, entryOf, tuningKey, usableEntry } from './entries.ts';
import type { TuningStore } from './tuned.ts';
import type { TunedNetwork, Tuning } from './tuning.ts';

/** The file of this user. */
export function tuningFile(): string {
  return join(cacheFolder(), 'tuning.json');
}

/** Of this package, whose kernels are tuned, and of the one that compiles them. */
export function installedVersions(): Readonly<Record<'diffwave-webgpu' | 'webgpu', string>> {
  const versionOf = (path: string): string => createRequire(import.meta.url)(path).version; // one's own name works, too
  return { 'diffwave-webgpu': versionOf('diffwave-webgpu/package.json'), webgpu: versionOf('webgpu/package.json') };
}

/** The same as parts of a key. */
export function versionsInKeys(): string[] {
  return Object.entries(installedVersions()).map(([name, version]) => `${name} ${version}`);
}

/** The store of this user, or that of a file. */
export function tuningStore(path = tuningFile()): TuningStore {
  return {
    find: (gpu, network) => findTuned(gpu, network, path),
    keep: (gpu, network, tuning) => keepTuned(gpu, network, tuning, path),
  };
}

/** What was chosen for this adapter and network, if anything that the adapter can have. */
export function findTuned(gpu: TunedAdapter, network: TunedNetwork, path = tuningFile()): TunedEntry | undefined {
  return usableEntry(gpu, readEntries(path)[tuningKey(gpu, network, versionsInKeys())]);
}

/** All that was chosen for this adapter with these versions. */
export function tunedFor(gpu: TunedAdapter, path = tuningFile()): TunedEntry[] {
  const start = `${adapterKey(gpu, versionsInKeys())} | `;
  return Object.entries(readEntries(path))
    .filter(([key]) => key.startsWith(start))
    .map(([, entry]) => usableEntry(gpu, entry))
    .filter((entry) => entry !== undefined);
}

/** Keeps the winner of a tuning. Throws what the file system says if the file cannot be written. */
export function keepTuned(
  gpu: Pick<TunedAdapter, 'info'>, network: TunedNetwork, tuning: Pick<Tuning, 'trials' | 'best'>, path = tuningFile(),
): void {
  const entries = { ...readEntries(path), [tuningKey(gpu, network, versionsInKeys())]: entryOf(network, tuning) };
  writeFileAtomic(path, `${JSON.stringify(entries, null, 2)}\n`);
}

/** The file's entries as they stand there; none if it cannot be read or is no JSON object. */
function readEntries(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // it can be measured again
  }
}
