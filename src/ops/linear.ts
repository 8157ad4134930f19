import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * y = x·weight + bias; x (B, Cin), weight (Cin, Cout), bias (Cout), result (B, Cout). For few rows: the gradients
 * sum over B in one go.
 */
export function linear(tape: Tape, options: { x: Tensor; weight: Tensor; bias: Tensor; name?: string }): Tensor {
  const { x, weight, bias } = options;
  if (x.shape.length !== 2) throw new TypeError(`linear: wanted (B, Cin), got ${x}`);
  const [B, Cin] = x.shape as [number, number];
  const Cout = weight.shape[1]!;
  expectShape(weight, [Cin, Cout], 'linear weight');
  expectShape(bias, [Cout], 'linear bias');
  const { Lane, width } = lanesFor(Cout);
  const params = { rows: B, inputs: Cin, outputs: Cout, width: Cout / width };
  const y = tape.result(options.name ?? 'linear', [B, Cout], [x, weight, bias]);
  tape.record({
    kernel: { shader: 'linear', entry: 'forward', constants: { Lane } },
    reads: { x, weight, bias },
    writes: { y },
    params,
    workgroups: workgroupsFor((B * Cout) / width),
  });

  // y = x·w + bias  ⇒  dw = xᵀ·dy,  dbias = Σ_b dy,  dx = dy·wᵀ
  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    const dWeight = tape.gradientSlot(weight);
    const dBias = tape.gradientSlot(bias);
    if (dWeight || dBias) {
      tape.record({
        kernel: {
          shader: 'linear',
          entry: 'weightGradient',
          constants: { Lane },
          overrides: { ACCUMULATE: dWeight?.accumulate ?? false, ACCUMULATE_BIAS: dBias?.accumulate ?? false },
        },
        reads: { x, dOutput },
        writes: {
          dWeight: dWeight?.tensor ?? tape.result('unwanted gradient', weight.shape),
          dBias: dBias?.tensor ?? tape.result('unwanted gradient', bias.shape),
        },
        params,
        workgroups: workgroupsFor(((Cin + 1) * Cout) / width),
      });
    }
    const dInput = tape.gradientSlot(x);
    if (dInput) {
      tape.record({
        kernel: {
          shader: 'linear', entry: 'inputGradient', constants: { Lane }, overrides: { ACCUMULATE: dInput.accumulate },
        },
        reads: { dOutputScalars: dOutput, weightScalars: weight },
        writes: { dInput: dInput.tensor },
        params,
        workgroups: workgroupsFor(B * Cin),
      });
    }
  });
  return y;
}
