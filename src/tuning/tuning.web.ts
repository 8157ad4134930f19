/** Where pages keep the results of `tuning.ts`: in `localStorage`. Workers have none, and tune again. */
import type { TunedEntry } from './entries.ts';
import { entryOf, tuningKey, usableEntry } from './entries.ts';
import type { TuningStore } from './tuned.ts';

/** As much of `localStorage` as is used. */
export interface PageStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const prefix = 'diffwave-webgpu tuning | ';

/**
 * The store of a page. Pages are not told a driver's version; the kernels' own texts stand for that of the package, `shaders` by
 * stem. Undefined where there is no `localStorage`, or none that may be used.
 */
export function pageTuningStore(shaders: Readonly<Record<string, string>>, storage = localStorageOrNone()): TuningStore | undefined {
  if (!storage) return undefined;
  const tiles = Object.entries(shaders).filter(([stem]) => stem.endsWith('.tile') || stem.startsWith('reduce'));
  const versions = [`shaders ${fingerprint(tiles.sort().flat().join('\n'))}`];
  return {
    find(gpu, network): TunedEntry | undefined {
      try {
        return usableEntry(gpu, JSON.parse(storage.getItem(prefix + tuningKey(gpu, network, versions)) ?? 'null'));
      } catch {
        return undefined; // damaged: it can be measured again
      }
    },
    keep(gpu, network, tuning): void {
      storage.setItem(prefix + tuningKey(gpu, network, versions), JSON.stringify(entryOf(network, tuning)));
    },
  };
}

function localStorageOrNone(): PageStorage | undefined {
  try {
    return (globalThis as { localStorage?: PageStorage }).localStorage;
  } catch {
    return undefined; // forbidden by the browser's settings
  }
}

/** 32 bits of a text (FNV-1a), to tell versions of it apart. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16);
}
