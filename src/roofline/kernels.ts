/** Every kernel in every variant: held against the reference, and only then timed between probes. */
import type { VariantSettings } from '../gpu/device/variant.ts';
import type { KernelBench, Shape } from './bench.ts';
import { checkedShape } from './bench.ts';
import { contractions } from './contractions.ts';
import { elementwise } from './elementwise.ts';
import type { Measurement } from './measure.ts';
import { measure } from './measure.ts';
import { prepareWork, throwIfWrong, variantsFor } from './prepare.ts';
import type { Machine } from './probes.ts';

export const kernelBenches: readonly KernelBench[] = [...contractions, ...elementwise];

/** A line of a result with `bench: 'kernel'`. */
export interface KernelRow extends Measurement {
  readonly kernel: string;
  readonly variant: string;
  readonly shape: string;
  readonly dispatches: number;
}

/**
 * Times benches at a shape, in all variants that have kernels of their own there and are wanted, and gives a row for each; in the place
 * of a row, an error that says what is wrong with what a kernel computes.
 */
export async function* timeKernels(machine: Machine, { benches = kernelBenches, shape, isWanted = () => true, repetitions }: {
  readonly benches?: readonly KernelBench[]; readonly shape: Shape; readonly isWanted?: (variant: string) => boolean; readonly repetitions?: number;
}): AsyncGenerator<KernelRow | Error> {
  const { gpu } = machine;
  const checked = new Map<string, Promise<void>>(); // the directions of an operation share their check
  const checkOnce = (bench: KernelBench, variant: VariantSettings): Promise<void> => {
    const kernelCase = bench.make(checkedShape(shape));
    const key = [kernelCase.stem, kernelCase.name, variant.variant].join();
    const known = checked.get(key) ?? throwIfWrong(gpu, kernelCase, variant);
    checked.set(key, known);
    return known;
  };
  for (const bench of benches) {
    for (const variant of variantsFor(gpu, bench, shape)) {
      if (!isWanted(variant.variant)) continue;
      try {
        await checkOnce(bench, variant);
      } catch (error) {
        yield error as Error;
        continue;
      }
      gpu.buffers.trim(); // what the kernel before left
      using prepared = await prepareWork(gpu, bench, { shape, variant });
      const measured = await measure(machine, prepared.work, { repetitions });
      yield { kernel: bench.name, variant: variant.variant, shape: bench.sizes(shape), dispatches: prepared.dispatches, ...measured };
    }
  }
}
