import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { lanesFor, treeColumns, workgroupsFor } from './lanes.ts';
import { silu } from './silu.ts';

export interface LinearOptions {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly name?: string;
  /** What the result goes through. */
  readonly activation?: 'silu';
}

/**
 * y = x·weight + bias, or with `activation` silu(x·weight + bias); x (B, Cin), weight (Cin, Cout), bias (Cout), result
 * (B, Cout). For few rows: the gradients sum over B in one go.
 */
export function linear(tape: Tape, options: LinearOptions): Tensor {
  const { activation, ...plain } = options;
  const tree = hasManyThreads(tape.variant);
  return activation && !tree ? silu(tape, dense(tape, plain, tree)) : dense(tape, options, tree);
}

function dense(tape: Tape, options: LinearOptions, tree: boolean): Tensor {
  const { x, weight, bias, activation } = options;
  if (x.shape.length !== 2) throw new TypeError(`linear: wanted (B, Cin), got ${x}`);
  const [B, Cin] = x.shape as [number, number];
  const Cout = weight.shape[1]!;
  expectShape(weight, [Cin, Cout], 'linear weight');
  expectShape(bias, [Cout], 'linear bias');
  const { Lane, width } = lanesFor(Cout);
  const params = { rows: B, inputs: Cin, outputs: Cout, width: Cout / width };
  const constants = { Lane, SILU: Number(!!activation) };
  const before = activation && tape.result('before silu', [B, Cout]);
  const y = tape.result(options.name ?? 'linear', [B, Cout], [x, weight, bias]);
  tape.record({
    kernel: { shader: 'linear', entry: tree ? 'forwardTree' : 'forward', constants },
    reads: { x, weight, bias },
    writes: { y, ...(before && { before }) },
    params,
    workgroups: tree ? B * Math.ceil(params.width / treeColumns) : workgroupsFor((B * Cout) / width),
  });

  // v = x·w + bias  ⇒  dw = xᵀ·dv,  dbias = Σ_b dv,  dx = dv·wᵀ;  y = silu(v)  ⇒  dv = dy·σ(v)·(1 + v·(1 − σ(v)))
  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    const dWeight = tape.gradientSlot(weight);
    const dBias = tape.gradientSlot(bias);
    if (dWeight || dBias) {
      tape.record({
        kernel: {
          shader: 'linear',
          entry: 'weightGradient',
          constants,
          overrides: { ACCUMULATE: dWeight?.accumulate ?? false, ACCUMULATE_BIAS: dBias?.accumulate ?? false },
        },
        reads: { x, dOutput, ...(before && { beforeLanes: before }) },
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
          shader: 'linear',
          entry: tree ? 'inputGradientTree' : 'inputGradient',
          constants,
          overrides: { ACCUMULATE: dInput.accumulate },
        },
        reads: { dOutputScalars: dOutput, weightScalars: weight, ...(before && { beforeScalars: before }) },
        writes: { dInput: dInput.tensor },
        params,
        workgroups: tree ? B * Cin : workgroupsFor(B * Cin),
      });
    }
  });
  return y;
}
