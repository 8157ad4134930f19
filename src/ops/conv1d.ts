import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape, expectShape } from '../autograd/tensor.ts';
import { contract, contractWeights, isFast } from './contraction.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';
import type { Affine } from './packing.ts';
import { chunksOf, reduceAffine } from './reduce.ts';

/** Most partial sums of a weight gradient. They cost memory (K·Cin·Cout each), and one is one thread's work. */
const mostWeightChunks = 64;

/**
 * Dilated "same" convolution: y[b, t, :] = bias + Σ_k Σ_ci x[b, t + (k − (K−1)/2)·D, ci]·weight[k, ci, :], where x is
 * zero outside [0, L). x (B, L, Cin), weight (K, Cin, Cout) with odd K, bias (Cout), result (B, L, Cout).
 */
export function conv1d(tape: Tape, options: Operands & { readonly name?: string }): Tensor {
  const { x, weight, bias, dilation } = options;
  const { B, L, C: Cin } = activationShape(x, 'conv1d');
  const [K, , Cout] = weight.shape as [number, number, number];
  expectShape(weight, [K, Cin, Cout], 'conv1d weight');
  expectShape(bias, [Cout], 'conv1d bias');
  if (K % 2 !== 1) throw new TypeError(`conv1d: a "same" convolution wants an odd number of taps, got ${K}`);
  if (!Number.isInteger(dilation) || dilation < 1) throw new TypeError(`conv1d: wanted a dilation of at least 1, got ${dilation}`);
  const y = tape.result(options.name ?? 'conv', [B, L, Cout], [x, weight, bias]);
  if (isFast(tape, Cin, Cout)) fast(tape, options, y);
  else naive(tape, options, y);
  return y;
}

interface Operands extends Affine {
  readonly x: Tensor;
  readonly dilation: number;
}

// dweight[k, ci, :] = Σ x[b, t + (k − (K−1)/2)·D, ci]·dy[b, t, :],  dbias = Σ dy
// dx[b, t, :] = Σ_k Σ_co dy[b, t − (k − (K−1)/2)·D, co]·weight[k, :, co]: the forward with time and weights turned

function fast(tape: Tape, { x, dilation, ...affine }: Operands, y: Tensor): void {
  const [B, L] = x.shape as [number, number];
  contract(tape, { finish: 'PLAIN' }, { affine, B, L, dilation, reads: { x }, writes: { y } });
  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    contractWeights(tape, { affine, B, L, dilation, x, dOutput });
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    contract(tape, { finish: 'PLAIN', accumulate: slot.accumulate }, {
      affine, transposed: true, B, L, dilation, reads: { x: dOutput }, writes: { y: slot.tensor },
    });
  });
}

/** What a multiply-add of the naive kernels takes: it loads both of its operands; see `Dispatch.work`. */
const naiveWork = 8 * 2;

function naive(tape: Tape, { x, weight, bias, dilation }: Operands, y: Tensor): void {
  const [B, L, Cin] = x.shape as [number, number, number];
  const [K, , Cout] = weight.shape as [number, number, number];
  const rows = B * L;
  const sizes = { rows, length: L, dilation, chunkRows: 0, chunks: 0 };
  const work = naiveWork * rows * K * Cin * Cout; // of each of the three
  const output = lanesFor(Cout);
  tape.record({
    kernel: { shader: 'conv1d', entry: 'forward', constants: { Lane: output.Lane }, overrides: { TAPS: K } },
    reads: { x, weight, bias },
    writes: { y },
    params: { ...sizes, inputs: Cin, width: Cout / output.width, direction: 1 },
    workgroups: workgroupsFor((rows * Cout) / output.width),
    work,
  });

  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    weightGradients(dOutput);
    inputGradient(dOutput);
  });

  // One kernel, the bias as a last row.
  function weightGradients(dOutput: Tensor): void {
    const weightSlot = tape.gradientSlot(weight);
    const biasSlot = tape.gradientSlot(bias);
    if (!weightSlot && !biasSlot) return;
    const stride = (K * Cin + 1) * Cout;
    const mostParts = Math.min(mostWeightChunks, Math.floor(tape.variant.maxStorageBytes / (stride * 4)));
    const { chunkRows, parts } = chunksOf(rows, Math.max(1, mostParts));
    const partial = tape.result(`partial d ${weight.name}`, [parts, K * Cin + 1, Cout]);
    tape.record({
      kernel: { shader: 'conv1d', entry: 'weightGradient', constants: { Lane: output.Lane }, overrides: { TAPS: K } },
      reads: { x, dOutput },
      writes: { partial },
      params: { ...sizes, inputs: Cin, width: Cout / output.width, direction: 1, chunkRows, chunks: parts },
      workgroups: workgroupsFor((parts * stride) / output.width),
      work,
    });
    reduceAffine(tape, { weight: weightSlot, bias: biasSlot }, partial);
  }

  function inputGradient(dOutput: Tensor): void {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    const turned = tape.result(`transposed ${weight.name}`, [K, Cout, Cin]);
    tape.record({
      kernel: { shader: 'transpose', entry: 'forward' },
      reads: { x: weight },
      writes: { y: turned },
      params: { count: weight.length, rows: Cin, columns: Cout },
      workgroups: workgroupsFor(weight.length),
    });
    const input = lanesFor(Cin);
    tape.record({
      kernel: {
        shader: 'conv1d',
        entry: 'inputGradient',
        constants: { Lane: input.Lane },
        overrides: { TAPS: K, ACCUMULATE: slot.accumulate },
      },
      reads: { x: dOutput, weight: turned },
      writes: { y: slot.tensor },
      params: { ...sizes, inputs: Cout, width: Cin / input.width, direction: -1 },
      workgroups: workgroupsFor((rows * Cin) / input.width),
      work,
    });
  }
}
