/** The adapter of a command, with kernels of the sizes that it runs fastest. */
import { Gpu } from '../../../src/gpu/device/gpu.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { findTuned, keepTuned, tuningFile } from '../../../src/tuning/tuning.node.ts';
import type { TunedNetwork } from '../../../src/tuning/tuning.ts';
import { tune } from '../../../src/tuning/tuning.ts';
import { explain } from '../cli/command.ts';
import { ensureAdapter } from './gpu.ts';
import { tuningLine } from './tuningReport.ts';

type Print = (line: string) => void;

/** The flag of commands that tune. */
export const noTuneFlag = { type: 'boolean', help: 'the default sizes of GPU kernels, without the short tuning at first use' } as const;

/** The flag of commands that look at subgroup matrices. */
export const matricesFlag = { type: 'boolean', help: "ask for subgroup matrices as well, an experiment of WebGPU's: what --precision matrix uses" } as const;

/**
 * Opens the adapter. With `tune`, its kernels have the sizes that are fastest for networks like `model`: from the cache
 * file, or at first use from a short tuning. Throws a `UserError` when there is no adapter.
 */
export async function openGpu(options: {
  readonly tune: boolean; readonly model: TunedNetwork; readonly print?: Print;
  /** Whether subgroup matrices are wanted, which are an experiment that has to be switched on. */
  readonly matrices?: boolean;
}): Promise<Gpu> {
  const { matrices = false } = options;
  await ensureAdapter({ matrices });
  const gpu = await Gpu.open({ matrices });
  if (options.tune) await useTuned(gpu, options.model, { print: options.print });
  return gpu;
}

/** Whether there is anything to tune: only the tile kernels of GPUs have sizes, for channels that come in fours. */
export function isTunable({ isSoftware, variant }: Pick<Gpu, 'isSoftware' | 'variant'>, { channels }: TunedNetwork): boolean {
  return !isSoftware && variant.variant === 'tile' && channels % 4 === 0;
}

/** Sets the sizes that `path` has for this adapter and network, or else those that `measure` finds, which are kept. */
export async function useTuned(
  gpu: Gpu, network: TunedNetwork, { path = tuningFile(), measure = tune, print = console.log as Print } = {},
): Promise<void> {
  if (!isTunable(gpu, network)) return;
  const known = findTuned(gpu, network, path);
  if (known) {
    gpu.variant = { ...gpu.variant, tile: known.tile };
    return;
  }
  const tuning = await measure(gpu, network);
  print(tuningLine(tuning));
  const { best } = tuning;
  gpu.variant = best ? { ...gpu.variant, tile: best.tile } : variantNamed('naive', gpu.device, gpu.info)!;
  if (best) tryToKeep(() => keepTuned(gpu, network, tuning, path), print);
}

/** Whether it was kept. A home that cannot be written to is no reason to stop: the next command tunes again. */
export function tryToKeep(keep: () => void, print: Print): boolean {
  try {
    keep();
    return true;
  } catch (error) {
    print(`note: the tuning could not be kept: ${explain(error).text}`);
    return false;
  }
}
