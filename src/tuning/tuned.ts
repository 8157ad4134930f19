/** Kernels of the sizes that an adapter runs fastest: what is known of it, or what a short tuning at first use finds. */
import type { GpuOptions } from '../gpu/device/gpu.ts';
import { Gpu } from '../gpu/device/gpu.ts';
import { variantNamed } from '../gpu/device/variant.ts';
import type { TunedAdapter, TunedEntry } from './entries.ts';
import type { TunedNetwork, Tuning } from './tuning.ts';
import { tune } from './tuning.ts';

/** Where tunings are kept from one process to the next. Adapter, driver and version are part of what they are found by. */
export interface TuningStore {
  /** What was kept for this adapter and network, if the adapter can have it. */
  find(gpu: TunedAdapter, network: TunedNetwork): TunedEntry | undefined | Promise<TunedEntry | undefined>;
  /** May throw: then the next process tunes again. */
  keep(gpu: TunedAdapter, network: TunedNetwork, tuning: Tuning): void | Promise<void>;
}

export interface TunedOptions {
  /** In place of the platform's own: in Node a file in the user's cache folder, in pages `localStorage`. */
  readonly store?: TuningStore;
  /** Told of a tuning, which takes some seconds at first use. */
  readonly onTuned?: (tuning: Tuning) => void;
  /** Told why the tuning could not be kept. */
  readonly onUnkept?: (error: unknown) => void;
  /** In place of `tune`, for tests. */
  readonly measure?: (gpu: Gpu, network: TunedNetwork) => Promise<Tuning>;
}

let usual: TuningStore | undefined;

/** Says where tunings are kept that are given no store. The package's entries do. */
export function provideTuningStore(store: TuningStore): void {
  usual = store;
}

/** Whether there is anything to tune: only the tile kernels of GPUs have sizes, for channels that come in fours. */
export function isTunable({ isSoftware, variant }: Pick<Gpu, 'isSoftware' | 'variant'>, { channels }: TunedNetwork): boolean {
  return !isSoftware && variant.variant === 'tile' && channels % 4 === 0;
}

/**
 * Gives the adapter's kernels the sizes that are fastest for networks of these channels and taps: those that are kept, or else
 * those that a tuning finds, which is then kept. For what is built afterwards, so to be called before a model is. On software
 * adapters, which have nothing to tune, it does nothing. Where all tile kernels are wrong, the naive ones are used.
 */
export async function useTuned(gpu: Gpu, network: TunedNetwork, options: TunedOptions = {}): Promise<void> {
  const { store = usual, measure = tune, onTuned, onUnkept } = options;
  if (!isTunable(gpu, network)) return;
  const known = await store?.find(gpu, network);
  if (known) {
    gpu.variant = { ...gpu.variant, tile: known.tile };
    return;
  }
  const tuning = await measure(gpu, network);
  onTuned?.(tuning);
  const { best } = tuning;
  gpu.variant = best ? { ...gpu.variant, tile: best.tile } : variantNamed('naive', gpu.device, gpu.info)!;
  if (!best) return;
  try {
    await store?.keep(gpu, network, tuning);
  } catch (error) {
    onUnkept?.(error); // the next process tunes again
  }
}

/**
 * `Gpu.open`, with the kernels' sizes tuned for a network: the configuration of a DiffWave, or channels and taps alone. Takes
 * some seconds at first use, nothing afterwards. Throws a `UserError` when there is no adapter.
 */
export async function openGpu({ tuneFor, ...options }: GpuOptions & TunedOptions & { readonly tuneFor?: TunedNetwork } = {}): Promise<Gpu> {
  const gpu = await Gpu.open(options);
  if (!tuneFor) return gpu;
  try {
    await useTuned(gpu, tuneFor, options);
    return gpu;
  } catch (error) {
    gpu.close();
    throw error;
  }
}
