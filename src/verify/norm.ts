import { norm } from '../ops/norm.ts';
import { norm as normTruth } from '../reference/norm.ts';
import type { KernelCase } from './case.ts';
import { roundingError } from './case.ts';

function normCase({ count, factor }: { count: number; factor: number }): KernelCase {
  return {
    stem: 'norm',
    name: `${count} values of size ${factor}`,
    inputs: { x: { shape: [count], factor } },
    record: (tape, { x }) => ({ norm: norm(tape, x) }),
    expected({ x }) {
      const value = Float64Array.of(normTruth(x));
      // squares and their sum, of which the root halves the error, and the root, which WGSL allows as much as a division
      return { norm: { value, scale: value, tolerance: roundingError(count + 6) } };
    },
  };
}

export const normCases: readonly KernelCase[] = [
  { count: 4, factor: 1 },
  { count: 65 * 4, factor: 0 }, // one more than one invocation sums
  { count: 3 * 64 * 4 + 4, factor: 1e-12 }, // squares near the smallest float32
  { count: 70 * 64 * 4 - 4, factor: 1e15 }, // more partial sums than the last workgroup has invocations
].map(normCase);
