import { guide } from '../../ops/guide.ts';
import { guide as guideTruth } from '../../reference/guide.ts';
import type { KernelCase } from '../case.ts';
import { roundingError, times } from '../case.ts';

export function guideCase({ shape, w }: { shape: readonly number[]; w: number }): KernelCase {
  return {
    stem: 'guide',
    name: `${times(...shape)} by ${w}`,
    inputs: { none: { shape }, told: { shape } },
    record: (tape, { none, told }) => ({ y: guide(tape, { none: none!, told: told!, w }) }),
    expected: ({ none, told }) => ({
      y: {
        value: guideTruth({ none: none!, told: told!, w }),
        scale: none!.map((value, i) => Math.abs(value) + Math.abs(w) * (Math.abs(told![i]!) + Math.abs(value))),
        tolerance: roundingError(4), // w itself, the difference, the product, the sum
      },
    }),
  };
}

export const guideCases: readonly KernelCase[] = [
  { shape: [1], w: 2.5 },
  { shape: [3, 7], w: 0 },
  { shape: [5, 13], w: 1 },
  { shape: [2, 64], w: 4 },
  { shape: [1, 260], w: -0.5 },
].map(guideCase);
