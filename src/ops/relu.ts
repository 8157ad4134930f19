import type { GradientSlot } from '../autograd/operation.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/** y = max(x, 0), any shape. With `half`, y is stored as f16, which wants a multiple of 4 elements. */
export function relu(tape: Tape, x: Tensor, options: { half?: boolean } = {}): Tensor {
  const { Lane, width } = lanesFor(x.length);
  const count = x.length / width;
  const workgroups = workgroupsFor(count);
  const half = options.half ?? false;
  if (half && width !== 4) throw new TypeError(`relu: f16 wants a multiple of 4 elements, got ${x}`);
  const constants = { Lane, Out: half ? 'vec4<f16>' : Lane, F16: Number(half) };
  const y = tape.result(`relu ${x.name}`, x.shape, [x], half ? 'f16' : 'f32');
  tape.record({
    kernel: { shader: 'relu', entry: 'forward', constants },
    reads: { x },
    writes: { y },
    params: { count },
    workgroups,
  });

  // y = max(x, 0)  ⇒  dx = dy where y > 0: needs the output, not the input, whose memory is thereby free
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x);
    if (slot) reluGradient(tape, y, slot);
  });
  return y;
}

/** Puts the gradient in x of y = max(x, 0) where `slot` says. */
export function reluGradient(tape: Tape, y: Tensor, slot: GradientSlot): void {
  const { Lane, width } = lanesFor(y.length);
  const half = y.dtype === 'f16';
  tape.record({
    kernel: {
      shader: 'relu',
      entry: 'backward',
      constants: { Lane, Out: half ? 'vec4<f16>' : Lane, F16: Number(half) },
      overrides: { ACCUMULATE: slot.accumulate },
    },
    reads: { output: y, dOutput: tape.gradient(y)! },
    writes: { dInput: slot.tensor },
    params: { count: y.length / width },
    workgroups: workgroupsFor(y.length / width),
  });
}
