import { silu } from '../../ops/silu.ts';
import { silu as siluTruth, siluBackward } from '../../reference/silu.ts';
import type { KernelCase } from '../case.ts';
import { times, unitRoundoff } from '../case.ts';

/**
 * Largest error of σ(x) = 1/(1 + e^−x), absolutely. WGSL lets exp be 3 + 2|x| units in the last place off; times the
 * derivative σ·(1 − σ) that is at most one unit of 1. The sum and the division bring another three. A unit is 2u.
 */
export const sigmoidError = 4 * 2 * unitRoundoff;

const edges = [0, 30, -30, 88, -89, 1e4, -1e4];

export function siluCase(shape: readonly number[]): KernelCase {
  return {
    stem: 'silu',
    name: times(...shape),
    inputs: { x: { shape, gradient: true, edges } },
    record: (tape, { x }) => ({ y: silu(tape, x!) }),
    expected: ({ x, 'd y': dy }) => ({
      y: { value: siluTruth(x!), scale: x!.map((value) => 1 + Math.abs(value)), tolerance: sigmoidError },
      // σ occurs three times: as a factor of 1 + x·(1 − σ), and in it
      'd x': {
        value: siluBackward({ input: x!, dOutput: dy! }),
        scale: dy!.map((d, i) => Math.abs(d) * (1 + Math.abs(x![i]!))),
        tolerance: 3 * sigmoidError,
      },
    }),
  };
}

export const siluCases: readonly KernelCase[] = [
  [1], [7], [3, 5], [63], [65],
  [4], [2, 126], [64, 4], [65, 4],
].map(siluCase);
