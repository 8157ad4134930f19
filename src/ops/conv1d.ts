import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape, expectShape } from '../autograd/tensor.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { contract, contractWeights, isFast } from './contraction.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';
import type { Affine } from './packing.ts';
import { chunksOf, reduceAffine } from './reduce.ts';
import { relu, reluGradient } from './relu.ts';
import { scale } from './scale.ts';

/**
 * Most partial sums of a weight gradient, of which each invocation makes one number, or four: as many as fill a GPU, where that
 * is a matter of parts at all. They cost memory, K·Cin·Cout numbers each.
 */
function mostPartialSums(tape: Tape, invocationsEach: number): number {
  return hasManyThreads(tape.variant) ? Math.max(64, Math.min(2048, Math.floor(2 ** 18 / invocationsEach))) : 64;
}

interface Operands extends Affine {
  readonly x: Tensor;
  readonly dilation: number;
}

export interface ConvolutionOptions extends Operands {
  readonly name?: string;
  /** What the result goes through; with `half` it is stored as f16, which wants a multiple of 4 channels. */
  readonly activation?: 'relu';
  readonly half?: boolean;
}

/**
 * Dilated "same" convolution: y[b, t, :] = bias + Σ_k Σ_ci x[b, t + (k − (K−1)/2)·D, ci]·factor·weight[k, ci, :], where x is
 * zero outside [0, L); with `activation` max(y, 0). x (B, L, Cin), weight (K, Cin, Cout) with odd K, bias (Cout), result
 * (B, L, Cout). The factor is 1 if absent.
 */
export function conv1d(tape: Tape, options: ConvolutionOptions): Tensor {
  const { x, weight, bias, dilation, factor = 1, activation, half = false } = options;
  const { B, L, C: Cin } = activationShape(x, 'conv1d');
  const [K, , Cout] = weight.shape as [number, number, number];
  expectShape(weight, [K, Cin, Cout], 'conv1d weight');
  expectShape(bias, [Cout], 'conv1d bias');
  if (K % 2 !== 1) throw new TypeError(`conv1d: a "same" convolution wants an odd number of taps, got ${K}`);
  if (!Number.isInteger(dilation) || dilation < 1) throw new TypeError(`conv1d: wanted a dilation of at least 1, got ${dilation}`);
  if (half && !activation) throw new TypeError('conv1d: only behind a relu is a result stored as f16');
  const { variant } = tape.variant;
  const isOurs = isFast(tape, Cin, Cout);
  const hasRelu = isOurs ? variant === 'tile' && !half : hasManyThreads(tape.variant);
  if (factor !== 1 && !isOurs) {
    const { factor: _, prepared: __, ...rest } = options;
    return conv1d(tape, { ...rest, x: scale(tape, x, factor) });
  }
  if (activation && !hasRelu) {
    const { activation: _, half: __, ...rest } = options;
    return relu(tape, conv1d(tape, rest), { half });
  }
  const y = tape.result(options.name ?? 'conv', [B, L, Cout], [x, weight, bias], half ? 'f16' : 'f32');
  const isRelu = activation !== undefined;
  if (isOurs) fast(tape, options, y, isRelu);
  else naive(tape, options, y, isRelu);
  return y;
}

// dweight[k, ci, :] = Σ x[b, t + (k − (K−1)/2)·D, ci]·dy[b, t, :],  dbias = Σ dy
// dx[b, t, :] = Σ_k Σ_co dy[b, t − (k − (K−1)/2)·D, co]·weight[k, :, co]: the forward with time and weights turned

function fast(tape: Tape, { x, dilation, ...affine }: Operands, y: Tensor, isRelu: boolean): void {
  const [B, L] = x.shape as [number, number];
  contract(tape, { finish: 'PLAIN', relu: isRelu }, { affine, B, L, dilation, reads: { x }, writes: { y } });
  tape.onBackward([y], () => fastGradients(tape, { x, dilation, ...affine }, { dOutput: tape.gradient(y)!, ...(isRelu && { mask: y }) }));
}

/** The gradients of a fast convolution in its weights and in x, from that in its result, where `mask` is above 0 if there is one. */
export function fastGradients(tape: Tape, { x, dilation, ...affine }: Operands, { dOutput, mask }: { dOutput: Tensor; mask?: Tensor }): void {
  const [B, L] = x.shape as [number, number];
  contractWeights(tape, { affine, B, L, dilation, x, dOutput, ...(mask && { mask }) });
  const slot = tape.gradientSlot(x);
  if (!slot) return;
  contract(tape, { load: mask && 'MASKED', finish: 'PLAIN', accumulate: slot.accumulate }, {
    affine, transposed: true, B, L, dilation, reads: { x: dOutput, ...(mask && { mask }) }, writes: { y: slot.tensor },
  });
}

/** What a multiply-add of the naive kernels takes: it loads both of its operands; see `Dispatch.work`. */
const naiveWork = 8 * 2;

function naive(tape: Tape, { x, weight, bias, dilation }: Operands, y: Tensor, isRelu: boolean): void {
  const [B, L, Cin] = x.shape as [number, number, number];
  const [K, , Cout] = weight.shape as [number, number, number];
  const rows = B * L;
  const sizes = { rows, length: L, dilation, chunkRows: 0, chunks: 0 };
  const work = naiveWork * rows * K * Cin * Cout; // of each of the three
  const output = lanesFor(Cout);
  const isHalf = y.dtype === 'f16';
  const constants = { Lane: output.Lane, Out: isHalf ? 'vec4<f16>' : output.Lane, F16: Number(isHalf), RELU: Number(isRelu) };
  tape.record({
    kernel: { shader: 'conv1d', entry: 'forward', constants, overrides: { TAPS: K } },
    reads: { x, weight, bias },
    writes: { y },
    params: { ...sizes, inputs: Cin, width: Cout / output.width, direction: 1 },
    workgroups: workgroupsFor((rows * Cout) / output.width),
    work,
  });

  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    // Two readers want the masked gradient: then it is computed once. One masks it itself.
    const isMasked = isRelu && x.needsGradient;
    const tensor = isMasked ? tape.result(`d before ${y.name}`, y.shape) : dOutput;
    if (isMasked) reluGradient(tape, y, { tensor, accumulate: false });
    weightGradients(tensor, isRelu && !isMasked);
    inputGradient(tensor);
  });

  // One kernel, the bias as a last row.
  function weightGradients(dOutput: Tensor, masks: boolean): void {
    const weightSlot = tape.gradientSlot(weight);
    const biasSlot = tape.gradientSlot(bias);
    if (!weightSlot && !biasSlot) return;
    const stride = (K * Cin + 1) * Cout;
    const mostParts = Math.min(mostPartialSums(tape, stride / output.width), Math.floor(tape.variant.maxStorageBytes / (stride * 4)));
    const { chunkRows, parts } = chunksOf(rows, Math.max(1, mostParts));
    const partial = tape.result(`partial d ${weight.name}`, [parts, K * Cin + 1, Cout]);
    tape.record({
      kernel: { shader: 'conv1d', entry: 'weightGradient', constants: masks ? constants : { ...constants, RELU: 0 }, overrides: { TAPS: K } },
      reads: { x, dOutput, ...(masks && { output: y }) },
      writes: { partial },
      params: { ...sizes, inputs: Cin, width: Cout / output.width, direction: 1, chunkRows, chunks: parts },
      workgroups: workgroupsFor((parts * stride) / output.width),
      work,
    });
    reduceAffine(tape, { weight, bias }, { weight: weightSlot, bias: biasSlot }, partial);
  }

  function inputGradient(dOutput: Tensor): void {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    const turned = transposed();
    const input = lanesFor(Cin);
    tape.record({
      kernel: {
        shader: 'conv1d',
        entry: 'inputGradient',
        constants: { Lane: input.Lane, Out: input.Lane, F16: 0, RELU: 0 },
        overrides: { TAPS: K, ACCUMULATE: slot.accumulate },
      },
      reads: { x: dOutput, weight: turned },
      writes: { y: slot.tensor },
      params: { ...sizes, inputs: Cout, width: Cin / input.width, direction: -1 },
      workgroups: workgroupsFor((rows * Cin) / input.width),
      work,
    });
  }

  // (K, Cout, Cin); a row is a column as it is.
  function transposed(): Tensor {
    if (Cin === 1 || Cout === 1) return weight;
    const turned = tape.result(`transposed ${weight.name}`, [K, Cout, Cin]);
    tape.record({
      kernel: { shader: 'transpose', entry: 'forward' },
      reads: { x: weight },
      writes: { y: turned },
      params: { count: weight.length, rows: Cin, columns: Cout },
      workgroups: workgroupsFor(weight.length),
    });
    return turned;
  }
}
