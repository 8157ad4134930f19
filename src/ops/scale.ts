import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/** y = factor·x, any shape. */
export function scale(tape: Tape, x: Tensor, factor: number): Tensor {
  const { Lane, width } = lanesFor(x.length);
  const params = { count: x.length / width, factor };
  const workgroups = workgroupsFor(params.count);
  const y = tape.result(`scaled ${x.name}`, x.shape, [x]);
  tape.record({
    kernel: { shader: 'scale', entry: 'forward', constants: { Lane }, overrides: { ACCUMULATE: false } },
    reads: { x },
    writes: { y },
    params,
    workgroups,
  });

  // y = factor·x  ⇒  dx = factor·dy
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    tape.record({
      kernel: { shader: 'scale', entry: 'forward', constants: { Lane }, overrides: { ACCUMULATE: slot.accumulate } },
      reads: { x: tape.gradient(y)! },
      writes: { y: slot.tensor },
      params,
      workgroups,
    });
  });
  return y;
}
