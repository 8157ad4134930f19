/** The adapter of a command, with kernels of the sizes that it runs fastest. */
import { Gpu } from '../../../src/gpu/device/gpu.ts';
import { useTuned } from '../../../src/tuning/tuned.ts';
import { tuningStore } from '../../../src/tuning/tuning.node.ts';
import type { TunedNetwork } from '../../../src/tuning/tuning.ts';
import type { Ranks } from '../../../src/ranks.ts';
import { firstThenOthers, textOfFirst } from '../../../src/ranks.ts';
import { explain } from '../cli/command.ts';
import { adapterByNumber } from './adapters.ts';
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
  /** Its number, in place of the most capable one. */
  readonly adapter?: number;
}): Promise<Gpu> {
  const { print = console.log as Print, matrices = false } = options;
  const wanted = { matrices, adapter: await adapterByNumber(options.adapter) };
  await ensureAdapter(wanted);
  const gpu = await Gpu.open(wanted);
  if (options.tune) {
    await useTuned(gpu, options.model, {
      store: tuningStore(), onTuned: (tuning) => print(tuningLine(tuning)), onUnkept: (error) => print(unkeptLine(error)),
    });
  }
  return gpu;
}

/**
 * The same for several ranks: the first one tunes, and the others get the sizes that it has, as other sizes would be other bits. Each of
 * them has an adapter of its own kind otherwise, which `expectSame` of the command finds out.
 */
export async function openGpuTogether(ranks: Ranks, options: Parameters<typeof openGpu>[0]): Promise<Gpu> {
  const isFirst = ranks.rank === 0;
  const gpu = await firstThenOthers(ranks, () => openGpu({ ...options, tune: options.tune && isFirst }));
  if (ranks.size > 1) gpu.variant = JSON.parse(await textOfFirst(ranks, JSON.stringify(gpu.variant)));
  return gpu;
}

/** That a home cannot be written to is no reason to stop: the next command tunes again. */
export function unkeptLine(error: unknown): string {
  return `note: the tuning could not be kept: ${explain(error).text}`;
}
