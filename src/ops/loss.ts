import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

export type LossKind = 'mse' | 'l1';

/** Elements that one invocation sums; the partial sums are then few enough for one workgroup. */
const chunk = 256;

/**
 * Mean over all elements of (p − w)² (`mse`, Ho et al. 2020, eq. 14) or |p − w| (`l1`): a single number, (1). With
 * `weight` (B), every item's elements are multiplied by its weight; the divisor stays their number. `wanted` and
 * `weight` have no gradient.
 */
export function loss(tape: Tape, options: {
  predicted: Tensor; wanted: Tensor; kind: LossKind; weight?: Tensor;
}): Tensor {
  const { predicted, wanted, kind, weight } = options;
  expectShape(wanted, predicted.shape, 'loss');
  if (weight) expectShape(weight, predicted.shape.slice(0, 1), 'loss');
  const overrides = { L1: kind === 'l1' };
  const weights = weight && { weight };
  const count = predicted.length;
  const itemLength = count / predicted.shape[0]!;
  const chunks = Math.ceil(count / chunk);
  const { Lane, width } = lanesFor(itemLength);
  const constants = { Lane, WEIGHTED: Number(!!weight) };
  const params = { count, lanes: count / width, chunks, itemLength, itemLanes: itemLength / width };
  const partial = tape.result('partial loss', [chunks]);
  const result = tape.result('loss', [1], [predicted]);
  tape.record({
    kernel: { shader: 'loss', entry: 'partialSums', constants, overrides },
    reads: { predicted, wanted, ...weights },
    writes: { partial },
    params,
    workgroups: workgroupsFor(chunks),
  });
  tape.record({
    kernel: { shader: 'loss', entry: 'total', constants },
    reads: { partialIn: partial },
    writes: { loss: result },
    params,
    workgroups: 1,
  });

  // mse ⇒ dp = 2(p − w)/N;  l1 ⇒ dp = sign(p − w)/N;  both times the item's weight
  tape.onBackward([result], () => {
    const slot = tape.gradientSlot(predicted);
    if (!slot) return;
    tape.record({
      kernel: { shader: 'loss', entry: 'backward', constants, overrides: { ...overrides, ACCUMULATE: slot.accumulate } },
      reads: { predictedLanes: predicted, wantedLanes: wanted, ...weights, dLoss: tape.gradient(result)! },
      writes: { dPredicted: slot.tensor },
      params,
      workgroups: workgroupsFor(params.lanes),
    });
  });
  return result;
}

/** Keeps a value of every run: history[historySlot] = value[0]; `historySlot` is given to `run`. */
export function recordHistory(tape: Tape, value: Tensor, history: Tensor): void {
  tape.record({
    kernel: { shader: 'history', entry: 'forward' },
    reads: { value },
    writes: { history },
    step: true,
    workgroups: 1,
  });
}
