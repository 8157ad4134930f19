import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

export type LossKind = 'mse' | 'l1';

/** Elements that one invocation sums, and invocations of the workgroup that adds up those sums: few and many on a GPU. */
const sizesOf = ({ variant }: Tape) => (hasManyThreads(variant) ? { chunk: 16, TOTAL: 256 } : { chunk: 256, TOTAL: 64 });

/**
 * Mean over all elements of (p − w)² (`mse`, Ho et al. 2020, eq. 14) or |p − w| (`l1`): a single number, (1). With
 * `weight` (B), every item's elements are multiplied by its weight; the divisor stays their number. `wanted` and
 * `weight` have no gradient.
 *
 * Of a batch that is worked through in parts, `of` is the number of elements of all parts: the parts' losses add up to
 * the batch's, and so do the gradients. With `history`, the loss also becomes its element `historySlot`, which is given to
 * `run`, or with `later` is added to it.
 */
export function loss(tape: Tape, options: {
  predicted: Tensor; wanted: Tensor; kind: LossKind; weight?: Tensor;
  of?: number; history?: Tensor; later?: boolean;
}): Tensor {
  const { predicted, wanted, kind, weight, of = predicted.length, history, later = false } = options;
  expectShape(wanted, predicted.shape, 'loss');
  if (weight) expectShape(weight, predicted.shape.slice(0, 1), 'loss');
  const overrides = { L1: kind === 'l1' };
  const weights = weight && { weight };
  const count = predicted.length;
  const itemLength = count / predicted.shape[0]!;
  const { chunk, TOTAL } = sizesOf(tape);
  const chunks = Math.ceil(count / chunk);
  const { Lane, width } = lanesFor(itemLength);
  const constants = { Lane, WEIGHTED: Number(!!weight), HISTORY: Number(!!history), TOTAL };
  const params = { count, divisor: of, lanes: count / width, chunks, itemLength, itemLanes: itemLength / width };
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
    kernel: { shader: 'loss', entry: 'total', constants, ...(history && { overrides: { LATER: later } }) },
    reads: { partialIn: partial },
    writes: { loss: result, ...(history && { history }) },
    params,
    step: !!history,
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
