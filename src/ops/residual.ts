import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape, expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * End of a residual layer (Kong et al. 2021, fig. 2). x (B, L, C); projected (B, L, 2C): first half residual r, second
 * half skip s; skip: the sum of the layers before, updated where it is, or undefined in the first layer.
 * output = (x + r)/√2, skip += s.
 */
export function residual(tape: Tape, options: {
  x: Tensor; projected: Tensor; skip: Tensor | undefined;
}): { output: Tensor; skip: Tensor } {
  const { x, projected } = options;
  const { B, L, C } = activationShape(x, 'residual');
  expectShape(projected, [B, L, 2 * C], 'residual');
  if (options.skip) expectShape(options.skip, [B, L, C], 'residual skip');
  const { Lane, width } = lanesFor(C);
  const params = { rows: B * L, width: C / width };
  const workgroups = workgroupsFor(params.rows * params.width);
  const output = tape.result('residual', [B, L, C], [x, projected]);
  const skip = options.skip ? tape.updated(options.skip, [projected]) : tape.result('skip', [B, L, C], [projected]);
  tape.record({
    kernel: { shader: 'residual', entry: 'forward', constants: { Lane }, overrides: { FIRST: !options.skip } },
    reads: { x, projected },
    writes: { output, skip },
    params,
    workgroups,
  });

  // output = (x + r)/√2, skip' = skip + s  ⇒  dx = dr = doutput/√2,  ds = dskip = dskip'
  tape.onBackward([output, skip], () => {
    const dOutput = tape.gradient(output);
    const dSkip = tape.gradient(skip);
    if (!dSkip) throw new Error('residual: the skip sum must reach the loss');
    if (options.skip) tape.passGradient(options.skip, dSkip);
    const projectedSlot = tape.gradientSlot(projected);
    const inputSlot = dOutput && tape.gradientSlot(x);
    if (!projectedSlot) return;
    if (projectedSlot.accumulate) throw new Error('residual: its projection must have no other reader');
    if (inputSlot) {
      tape.record({
        kernel: { shader: 'residual', entry: 'backward', constants: { Lane }, overrides: { ACCUMULATE: inputSlot.accumulate } },
        reads: { dOutput, dSkip },
        writes: { dInput: inputSlot.tensor, dProjected: projectedSlot.tensor },
        params,
        workgroups,
      });
    } else {
      tape.record({
        kernel: { shader: 'residual', entry: 'backwardLast', constants: { Lane } },
        reads: { dSkip },
        writes: { dProjected: projectedSlot.tensor },
        params,
        workgroups,
      });
    }
  });
  return { output, skip };
}
