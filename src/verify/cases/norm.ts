import { norm } from '../../ops/norm.ts';
import { norm as normTruth } from '../../reference/norm.ts';
import type { KernelCase } from '../case.ts';
import { roundingError } from '../case.ts';

function normCase({ count, factor }: { count: number; factor: number }): KernelCase {
  return {
    stem: 'norm',
    hasVariants: true,
    name: `${count} values of size ${factor}`,
    inputs: { x: { shape: [count], factor } },
    record: (tape, { x }) => ({ norm: norm(tape, x!) }),
    expected({ x }) {
      const value = Float64Array.of(normTruth(x!));
      // squares and their sum, of which the root halves the error, and the root, which WGSL allows as much as a division
      return { norm: { value, scale: value, tolerance: roundingError(count + 6) } };
    },
  };
}

/** The norm also becomes an element of the history; nothing else there changes. */
function historyCase({ slots, slot }: { slots: number; slot: number }): KernelCase {
  return {
    stem: 'norm',
    hasVariants: true,
    name: `history, slot ${slot} of ${slots}`,
    inputs: { x: { shape: [8] }, history: { shape: [slots] } },
    runs: [{ historySlot: slot }],
    record(tape, { x, history }) {
      norm(tape, x!, { history });
      return { history: history! };
    },
    expected({ x, history }) {
      const value = history!.with(slot, normTruth(x!));
      return { history: { value, scale: value.map((v, i) => (i === slot ? v : 0)), tolerance: roundingError(8 + 6) } };
    },
  };
}

export const normCases: readonly KernelCase[] = [
  ...[
    { count: 4, factor: 1 },
    { count: 65 * 4, factor: 0 }, // one more than one invocation sums
    { count: 3 * 64 * 4 + 4, factor: 1e-12 }, // squares near the smallest float32
    { count: 70 * 64 * 4 - 4, factor: 1e15 }, // more partial sums than the last workgroup has invocations
  ].map(normCase),
  historyCase({ slots: 1, slot: 0 }),
  historyCase({ slots: 100, slot: 64 }),
];
