import type { LossKind } from '../../ops/loss.ts';
import { loss } from '../../ops/loss.ts';
import { loss as lossTruth, lossBackward } from '../../reference/loss.ts';
import type { KernelCase } from '../case.ts';
import { divisionRoundings, roundingError, times } from '../case.ts';

/** Elements that are equal in both inputs: there the L1 loss has no derivative, and 0 is wanted. */
const edges = [0.25, -3, 0];

export function lossCase({ shape, kind, weights }: {
  shape: readonly number[]; kind: LossKind; weights?: readonly number[];
}): KernelCase {
  return {
    stem: 'loss',
    name: `${kind} ${times(...shape)}${weights ? ', weighted' : ''}`,
    inputs: {
      predicted: { shape, gradient: true, edges },
      wanted: { shape, edges },
      ...(weights && { weight: { shape: [shape[0]], values: weights } }),
    },
    record: (tape, { predicted, wanted, weight }) => ({ loss: loss(tape, { predicted, wanted, kind, weight }) }),
    expected({ predicted, wanted, weight, 'd loss': [dLoss] }) {
      const pair = { kind, predicted, target: wanted, weight };
      const value = Float64Array.of(lossTruth(pair));
      const gradient = lossBackward(pair).map((d) => dLoss * d);
      return {
        // difference, square, weight, N − 1 additions and the mean
        loss: { value, scale: value, tolerance: roundingError(predicted.length + 3 + divisionRoundings) },
        // difference, mean, weight, product
        'd predicted': {
          value: gradient,
          scale: gradient.map(Math.abs),
          tolerance: roundingError(3 + divisionRoundings),
        },
      };
    },
  };
}

/** Two runs of a part of a batch, whose mean is over twice its elements: the history has both losses and nothing else changes. */
function historyCase({ slots, later }: { slots: number; later: boolean }): KernelCase {
  const shape = [3, 7];
  return {
    stem: 'loss',
    name: `half of a batch, ${later ? 'added to' : 'kept in'} the history of ${slots}`,
    inputs: { predicted: { shape }, wanted: { shape }, history: { shape: [slots] } },
    runs: [{ historySlot: 0 }, { historySlot: slots - 1 }],
    record(tape, { predicted, wanted, history }) {
      loss(tape, { predicted, wanted, kind: 'mse', of: 42, history, later });
      return { history };
    },
    expected({ predicted, wanted, history }) {
      const half = lossTruth({ kind: 'mse', predicted, target: wanted }) / 2;
      const value = history.slice();
      for (const slot of [0, slots - 1]) value[slot] = later ? value[slot] + half : half;
      const scale = value.map((_, slot) => (slot === 0 || slot === slots - 1 ? Math.abs(history[slot]) + 2 * half : 0));
      return { history: { value, scale, tolerance: roundingError(21 + 5 + divisionRoundings) } };
    },
  };
}

export const lossCases: readonly KernelCase[] = [
  ...(['mse', 'l1'] as const).flatMap((kind) => [
    { shape: [1, 1], kind },
    { shape: [3, 7], kind },
    { shape: [1, 257], kind }, // one more than one invocation sums
    { shape: [2, 8221], kind }, // more partial sums than the last workgroup has invocations
    { shape: [3, 257], kind, weights: [0, 0.125, 7] }, // chunks that items share
    { shape: [3, 132], kind, weights: [0, 0.125, 7] },
  ]).map(lossCase),
  historyCase({ slots: 100, later: false }),
  historyCase({ slots: 65, later: true }),
];
