import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/** y = x·σ(x), any shape (Hendrycks & Gimpel 2016; Ramachandran et al. 2017, "swish"). */
export function silu(tape: Tape, x: Tensor): Tensor {
  const { Lane, width } = lanesFor(x.length);
  const count = x.length / width;
  const workgroups = workgroupsFor(count);
  const y = tape.result(`silu ${x.name}`, x.shape, [x]);
  tape.record({
    kernel: { shader: 'silu', entry: 'forward', constants: { Lane } },
    reads: { x },
    writes: { y },
    params: { count },
    workgroups,
  });

  // y = x·σ(x)  ⇒  dx = dy·σ(x)·(1 + x·(1 − σ(x)))
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    tape.record({
      kernel: { shader: 'silu', entry: 'backward', constants: { Lane }, overrides: { ACCUMULATE: slot.accumulate } },
      reads: { x, dOutput: tape.gradient(y)! },
      writes: { dInput: slot.tensor },
      params: { count },
      workgroups,
    });
  });
  return y;
}
