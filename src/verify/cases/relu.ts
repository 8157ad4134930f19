import { relu } from '../../ops/relu.ts';
import { relu as reluTruth, reluBackward } from '../../reference/relu.ts';
import type { KernelCase } from '../case.ts';
import { exact, times } from '../case.ts';

export function reluCase(shape: readonly number[]): KernelCase {
  return {
    stem: 'relu',
    name: times(...shape),
    inputs: { x: { shape, gradient: true, edges: [0, -0, -1e-30, 1e-30, -1e30, 1e30] } },
    record: (tape, { x }) => ({ y: relu(tape, x!) }),
    expected: ({ x, 'd y': dy }) => ({
      y: exact(reluTruth(x!)),
      'd x': exact(reluBackward({ input: x!, dOutput: dy! })),
    }),
  };
}

export const reluCases: readonly KernelCase[] = [[1], [7], [3, 5, 7], [63], [65], [4], [64, 4], [65, 4]].map(reluCase);
