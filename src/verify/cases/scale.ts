import { scale } from '../../ops/scale.ts';
import { scale as scaleTruth } from '../../reference/scale.ts';
import type { KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';

export function scaleCase({ shape, factor }: { shape: readonly number[]; factor: number }): KernelCase {
  return {
    stem: 'scale',
    name: `${times(...shape)} by ${factor.toFixed(3)}`,
    inputs: { x: { shape, gradient: true } },
    record: (tape, { x }) => ({ y: scale(tape, x!, factor) }),
    expected: (given) => sums(
      given,
      ({ x, 'd y': dy }) => ({ y: scaleTruth(x!, Math.abs(factor)), 'd x': scaleTruth(dy!, Math.abs(factor)) }),
      { y: 2, 'd x': 2 }, // the factor itself, and the product
    ),
  };
}

export const scaleCases: readonly KernelCase[] = [
  { shape: [1], factor: 1 / Math.sqrt(3) },
  { shape: [3, 7, 5], factor: 0 },
  { shape: [65], factor: 1e-3 },
  { shape: [2, 2, 1], factor: 3 },
  { shape: [64, 4], factor: 1 / Math.sqrt(30) },
  { shape: [65, 4], factor: Math.SQRT2 },
].map(scaleCase);
