import type { LossKind } from '../ops/loss.ts';
import { loss, recordHistory } from '../ops/loss.ts';
import { loss as lossTruth, lossBackward } from '../reference/loss.ts';
import type { KernelCase } from './case.ts';
import { divisionRoundings, exact, roundingError, times } from './case.ts';

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

/** Keeps the loss of a step: one element of the history changes. */
function historyCase({ slots, slot }: { slots: number; slot: number }): KernelCase {
  return {
    stem: 'loss',
    name: `history, slot ${slot} of ${slots}`,
    inputs: { value: { shape: [1] }, history: { shape: [slots] } },
    runs: [{ historySlot: slot }],
    record(tape, { value, history }) {
      recordHistory(tape, value, history);
      return { history };
    },
    expected: ({ value, history }) => ({ history: exact(history.with(slot, value[0])) }),
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
  historyCase({ slots: 1, slot: 0 }),
  historyCase({ slots: 100, slot: 64 }),
];
