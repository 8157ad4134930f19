import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { workgroupsFor } from './lanes.ts';

/** Groups of four elements that one invocation sums, and invocations of the workgroup that adds up those sums: few and many on a GPU. */
const sizesOf = ({ variant }: Tape) => (hasManyThreads(variant) ? { chunk: 32, TOTAL: 256 } : { chunk: 64, TOTAL: 64 });

/**
 * ‖x‖ = √Σx² over all elements, whose number is a multiple of 4: a single number, (1). Has no gradient. Infinite where
 * the sum of the squares is beyond float32, that is from a norm of 1.8e19 on. With `history`, the norm also becomes its
 * element `historySlot`, which is given to `run`.
 */
export function norm(tape: Tape, x: Tensor, options: { history?: Tensor } = {}): Tensor {
  const { history } = options;
  const { chunk, TOTAL } = sizesOf(tape);
  const constants = { HISTORY: Number(!!history), TOTAL };
  const count = x.length / 4;
  if (!Number.isInteger(count)) throw new TypeError(`norm: wanted a multiple of 4 elements, got ${x}`);
  const chunks = Math.ceil(count / chunk);
  const partial = tape.result('partial squares', [chunks]);
  const result = tape.result('norm', [1]);
  tape.record({
    kernel: { shader: 'norm', entry: 'partialSums', constants },
    reads: { x },
    writes: { partial },
    params: { count, chunks },
    workgroups: workgroupsFor(chunks),
  });
  tape.record({
    kernel: { shader: 'norm', entry: 'total', constants },
    reads: { partialIn: partial },
    writes: { norm: result, ...(history && { history }) },
    params: { count, chunks },
    step: !!history,
    workgroups: 1,
  });
  return result;
}
