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
    hasVariants: true,
    name: `${kind} ${times(...shape)}${weights ? ', weighted' : ''}`,
    inputs: {
      predicted: { shape, gradient: true, edges },
      wanted: { shape, edges },
      ...(weights && { weight: { shape: [shape[0]!], values: weights } }),
    },
    record: (tape, { predicted, wanted, weight }) => ({ loss: loss(tape, { predicted: predicted!, wanted: wanted!, kind, weight }) }),
    expected({ predicted, wanted, weight, 'd loss': dLoss }) {
      const pair = { kind, predicted: predicted!, target: wanted!, weight };
      const value = Float64Array.of(lossTruth(pair));
      const gradient = lossBackward(pair).map((d) => dLoss![0]! * d);
      return {
        // difference, square, weight, N − 1 additions and the mean
        loss: { value, scale: value, tolerance: roundingError(predicted!.length + 3 + divisionRoundings) },
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

/**
 * Two runs of a part of a batch, whose mean is over twice its elements: the history has both losses and nothing else changes; the
 * gradient is that of half the mean.
 */
function historyCase({ slots, later, kind, width, weights }: {
  slots: number; later: boolean; kind: LossKind; width: number; weights?: readonly number[];
}): KernelCase {
  const shape = [3, width];
  const count = 3 * width;
  return {
    stem: 'loss',
    hasVariants: true,
    name: `half of a batch, ${kind} ${times(...shape)}${weights ? ' weighted' : ''}, ${later ? 'added to' : 'kept in'} the history of ${slots}`,
    inputs: {
      predicted: { shape, gradient: true }, wanted: { shape }, history: { shape: [slots] },
      ...(weights && { weight: { shape: [3], values: weights } }),
    },
    runs: [{ historySlot: 0 }, { historySlot: slots - 1 }],
    record(tape, { predicted, wanted, history, weight }) {
      const value = loss(tape, { predicted: predicted!, wanted: wanted!, weight, kind, of: 2 * count, history, later });
      return { history: history!, loss: value };
    },
    expected({ predicted, wanted, history, weight, 'd loss': dLoss }) {
      const pair = { kind, predicted: predicted!, target: wanted!, weight };
      const half = lossTruth(pair) / 2;
      const value = history!.slice();
      for (const slot of [0, slots - 1]) value[slot] = later ? value[slot]! + half : half;
      const scale = value.map((_, slot) => (slot === 0 || slot === slots - 1 ? Math.abs(history![slot]!) + 2 * half : 0));
      const gradient = lossBackward(pair).map((d) => (dLoss![0]! * d) / 2);
      const tolerance = roundingError(count + 5 + divisionRoundings);
      return {
        history: { value, scale, tolerance },
        loss: { value: Float64Array.of(half), scale: Float64Array.of(half), tolerance },
        'd predicted': { value: gradient, scale: gradient.map(Math.abs), tolerance: roundingError(3 + divisionRoundings) },
      };
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
  // In training: elements one by one or in fours, weighted or not, the first part of a batch and later ones.
  ...(['mse', 'l1'] as const).flatMap((kind) => [7, 8].flatMap((width) => [
    { kind, width, slots: 100, later: false },
    { kind, width, slots: 65, later: true },
    { kind, width, slots: 100, later: false, weights: [0, 0.125, 7] },
    { kind, width, slots: 65, later: true, weights: [0, 0.125, 7] },
  ])).map(historyCase),
];
