import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { workgroupsFor } from './lanes.ts';

export type LossKind = 'mse' | 'l1';

/** Elements that one invocation sums; the partial sums are then few enough for one workgroup. */
const chunk = 256;

/**
 * Mean over all elements of (p − w)² (`mse`, Ho et al. 2020, eq. 14) or |p − w| (`l1`): a single number, (1).
 * `wanted` has no gradient.
 */
export function loss(tape: Tape, options: { predicted: Tensor; wanted: Tensor; kind: LossKind }): Tensor {
  const { predicted, wanted, kind } = options;
  expectShape(wanted, predicted.shape, 'loss');
  const overrides = { L1: kind === 'l1' };
  const count = predicted.length;
  const chunks = Math.ceil(count / chunk);
  const partial = tape.result('partial loss', [chunks]);
  const result = tape.result('loss', [1], [predicted]);
  tape.record({
    kernel: { shader: 'loss', entry: 'partialSums', overrides },
    reads: { predicted, wanted },
    writes: { partial },
    params: { count, chunks },
    workgroups: workgroupsFor(chunks),
  });
  tape.record({
    kernel: { shader: 'loss', entry: 'total' },
    reads: { partialIn: partial },
    writes: { loss: result },
    params: { count, chunks },
    workgroups: 1,
  });

  // mse ⇒ dp = 2(p − w)/N;  l1 ⇒ dp = sign(p − w)/N
  tape.onBackward([result], () => {
    const slot = tape.gradientSlot(predicted);
    if (!slot) return;
    tape.record({
      kernel: { shader: 'loss', entry: 'backward', overrides: { ...overrides, ACCUMULATE: slot.accumulate } },
      reads: { predicted, wanted, dLoss: tape.gradient(result)! },
      writes: { dPredicted: slot.tensor },
      params: { count, chunks },
      workgroups: workgroupsFor(count),
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
