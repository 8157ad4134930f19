import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * Classifier-free guidance (Ho and Salimans 2022, eq. 6, with w counted from 0): y = none + w·(told − none), any shape. w = 0 is what the
 * network says when it is told nothing, 1 what it says when it is told something, and more exaggerates that. For sampling: no gradient.
 */
export function guide(tape: Tape, { none, told, w }: { none: Tensor; told: Tensor; w: number }): Tensor {
  expectShape(told, none.shape, 'guide');
  const { Lane, width } = lanesFor(none.length);
  const y = tape.result('guided', none.shape);
  tape.record({
    kernel: { shader: 'guide', entry: 'forward', constants: { Lane } },
    reads: { none, told },
    writes: { y },
    params: { count: none.length / width, w },
    workgroups: workgroupsFor(none.length / width),
  });
  return y;
}
