import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/** y = max(x, 0), any shape. */
export function relu(tape: Tape, x: Tensor): Tensor {
  const { Lane, width } = lanesFor(x.length);
  const count = x.length / width;
  const workgroups = workgroupsFor(count);
  const y = tape.result(`relu ${x.name}`, x.shape, [x]);
  tape.record({
    kernel: { shader: 'relu', entry: 'forward', constants: { Lane } },
    reads: { x },
    writes: { y },
    params: { count },
    workgroups,
  });

  // y = max(x, 0)  ⇒  dx = dy where y > 0: needs the output, not the input, whose memory is thereby free
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    tape.record({
      kernel: { shader: 'relu', entry: 'backward', constants: { Lane }, overrides: { ACCUMULATE: slot.accumulate } },
      reads: { output: y, dOutput: tape.gradient(y)! },
      writes: { dInput: slot.tensor },
      params: { count },
      workgroups,
    });
  });
  return y;
}
