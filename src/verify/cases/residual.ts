import { residual } from '../../ops/residual.ts';
import { residual as residualTruth, residualBackward } from '../../reference/residual.ts';
import type { CaseInput, KernelCase } from '../case.ts';
import { exact, sums, times } from '../case.ts';

/** `first`: there is no sum of skips yet. `last`: nobody reads the output, only the sum. */
export type Place = 'first' | 'later' | 'last';

export function residualCase({ B, L, C, place }: { B: number; L: number; C: number; place: Place }): KernelCase {
  const rows = B * L;
  const skip: Record<string, CaseInput> = { skip: { shape: [B, L, C], gradient: true, soleReader: true } };
  return {
    stem: 'residual',
    name: `${times(B, L, C)} ${place}`,
    inputs: {
      x: { shape: [B, L, C], gradient: true },
      projected: { shape: [B, L, 2 * C], gradient: true, soleReader: true },
      ...(place === 'first' ? {} : skip),
    },
    unread: place === 'last' ? ['output'] : [],
    record(tape, inputs) {
      const { output, skip: sum } = residual(tape, { x: inputs.x!, projected: inputs.projected!, skip: inputs.skip });
      return { output, sum };
    },
    expected(given) {
      const computed = sums(
        given,
        ({ x, projected, skip = null, 'd output': dOutput = null, 'd sum': dSkip }) => {
          const { output, skip: sum } = residualTruth({ input: x!, projected: projected!, skip, rows, C });
          const { dInput, dProjected } = residualBackward({ dOutput, dSkip: dSkip!, rows, C });
          return { output, sum, 'd x': dInput, 'd projected': dProjected };
        },
        { output: 3, sum: 1, 'd x': 2, 'd projected': 2 }, // 1/√2 is a rounded constant
      );
      const { 'd x': dx, ...others } = computed;
      return {
        ...others,
        ...(place === 'last' ? {} : { 'd x': dx }),
        ...(place === 'first' ? {} : { 'd skip': exact(given['d sum']!) }),
      };
    },
  };
}

export const residualCases: readonly KernelCase[] = [
  { B: 1, L: 1, C: 1, place: 'first' as const },
  { B: 3, L: 7, C: 5, place: 'first' as const },
  { B: 2, L: 5, C: 12, place: 'first' as const },
  { B: 1, L: 65, C: 1, place: 'later' as const },
  { B: 2, L: 7, C: 3, place: 'later' as const },
  { B: 1, L: 65, C: 4, place: 'later' as const },
  { B: 2, L: 3, C: 64, place: 'later' as const },
  { B: 1, L: 64, C: 2, place: 'last' as const },
  { B: 2, L: 11, C: 16, place: 'last' as const },
].map(residualCase);
