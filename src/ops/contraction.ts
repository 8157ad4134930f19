/**
 * What the fast variants of convolutions have in common: packed weights, one dispatch per slice of output channels, and
 * weight gradients as partial sums. The shaders are conv1d.<variant>.wgsl and weightGradient.<variant>.wgsl.
 */
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { alignUp } from '../gpu/device/buffers.ts';
import { subgroupHeight } from '../gpu/device/matrix.ts';
import type { Affine } from './packing.ts';
import { matrixConvolution, matrixGradient } from './matrix.ts';
import { packWeights, sliceOf } from './packing.ts';
import { reduceAffine } from './reduce.ts';

/** What a contraction loads and what it does with its sums; see the head of conv1d.broadcast.wgsl. */
export interface Fusion {
  readonly load?: 'STEP' | 'PAIR';
  readonly finish: 'PLAIN' | 'GATE' | 'RESIDUAL' | 'GATE_GRADIENT' | 'STEP_GRADIENT';
  readonly save?: boolean;
  readonly first?: boolean;
  readonly last?: boolean;
  readonly accumulate?: boolean;
}

/** Rows of one item that a workgroup works on. */
export function rowsPerTile(tape: Tape): number {
  const { variant, lanes, tile, matrix } = tape.variant;
  if (matrix) return matrix.subgroupRows * subgroupHeight;
  return variant === 'broadcast' ? 2 * lanes : tile.rows;
}

/** Whether the tape's variant can work on these channels. */
export function isFast(tape: Tape, ...channels: readonly number[]): boolean {
  return tape.variant.variant !== 'naive' && channels.every((count) => count % 4 === 0);
}

/**
 * Records a convolution of (B, L, Cin) by `weight` (K, Cin, Cout), or with `transposed` the gradient in its input,
 * (B, L, Cout) to (B, L, Cin). `reads` and `writes` are what the fusion asks for, weights excepted.
 */
export function contract(tape: Tape, fusion: Fusion, options: {
  affine: Affine; transposed?: boolean;
  B: number; L: number; dilation: number;
  reads: Readonly<Record<string, Tensor>>; writes: Readonly<Record<string, Tensor>>;
}): void {
  const { affine, transposed = false, B, L, dilation } = options;
  const { variant, lanes, matrix } = tape.variant;
  const paired = fusion.finish === 'GATE' || fusion.finish === 'RESIDUAL';
  const packed = affine.prepared?.[transposed ? 'transposed' : 'forward'] ?? packWeights(tape, affine, { paired, transposed });
  const { taps, inputs, outputs, wide, uniform, slices } = packed;
  const width = outputs / (paired ? 8 : 4); // vec4f
  const ROWS = rowsPerTile(tape);
  const tiles = Math.ceil(L / ROWS);
  const constants = {
    ...(matrix ? { ROWS, ...matrixConvolution(matrix, { wide }) }
      : variant === 'broadcast' ? { ROWS, LOADS: ROWS / lanes, UNIFORM: Number(uniform) } : { ROWS, DEEP: tape.variant.tile.deep }),
    LANES: lanes, WIDE: wide, TAPS: taps, INPUTS: inputs / 4, PAIRED: Number(paired), ...flagsOf(fusion),
    ...typesOf({ In: options.reads.x, Out: options.writes.y, Stored: options.reads.residual ?? options.reads.saved ?? options.writes.saved }),
  };
  for (let slice = 0; slice < slices; slice++) {
    tape.record({
      kernel: { shader: `conv1d.${variant}`, entry: 'forward', constants },
      reads: { ...options.reads, weight: sliceOf(tape, packed, slice) },
      writes: options.writes,
      params: {
        groups: B * tiles, tiles, length: L, width, slice: slice * lanes * (paired ? 1 : wide),
        dilation, direction: transposed ? -1 : 1, rows: ROWS, inputs: inputs / 4,
        ...gradientScale(tape, transposed),
      },
      workgroups: B * tiles,
    });
  }
}

/** What `matrix` kernels multiply inputs by while these are f16: gradients by the tape's scale. */
function gradientScale({ variant: { matrix }, gradientScale: scale }: Tape, isGradient: boolean): { scale: number; unscale: number } {
  return isGradient && matrix?.component === 'f16' ? { scale, unscale: 1 / scale } : { scale: 1, unscale: 1 };
}

/** WGSL types by alias for tensors that may be f16 in mixed precision, and whether one of them is. */
function typesOf(tensors: Readonly<Record<string, Tensor | undefined>>): Record<string, number | string> {
  const isHalf = (tensor: Tensor | undefined): boolean => tensor?.dtype === 'f16';
  const types = Object.entries(tensors).map(([alias, tensor]) => [alias, isHalf(tensor) ? 'vec4<f16>' : 'vec4f']);
  return { ...Object.fromEntries(types), F16: Number(Object.values(tensors).some(isHalf)) };
}

function flagsOf(fusion: Fusion): Record<string, number> {
  const { load, finish, save, first, last, accumulate } = fusion;
  const flag = (value: boolean | undefined): number => Number(value ?? false);
  return {
    PAIR: flag(load === 'PAIR'), STEP: flag(load === 'STEP'),
    PLAIN: flag(finish === 'PLAIN'), GATE: flag(finish === 'GATE'), RESIDUAL: flag(finish === 'RESIDUAL'),
    GATE_GRADIENT: flag(finish === 'GATE_GRADIENT'), STEP_GRADIENT: flag(finish === 'STEP_GRADIENT'),
    SAVE: flag(save), FIRST: flag(first), LAST: flag(last), ACCUMULATE: flag(accumulate),
  };
}

/** Most partial sums of a weight gradient on a software adapter: two processor cores are busy with few. */
const fewPartialSums = 64;

/**
 * Records dweight[k, ci, co] = Σ a[t + (k − (K−1)/2)·D, ci]·b[t, co] and dbias = Σ b, where a is x (plus `step`), and b
 * is dOutput, or with dSkip the pair [dOutput/√2 | dSkip].
 */
export function contractWeights(tape: Tape, options: {
  affine: Affine; B: number; L: number; dilation: number;
  x: Tensor; step?: Tensor; dOutput?: Tensor; dSkip?: Tensor;
}): void {
  const { affine: { weight, bias }, B, L, dilation, x, step, dOutput, dSkip } = options;
  const weightSlot = tape.gradientSlot(weight);
  const biasSlot = tape.gradientSlot(bias);
  if (!weightSlot && !biasSlot) return;
  const { variant, lanes, matrix } = tape.variant;
  const [K, Cin, Cout] = weight.shape as [number, number, number];
  const [INPUTS, OUTPUTS] = [Cin / 4, Cout / 4];
  const shape = matrix ? matrixGradient(matrix, { inputs: K * INPUTS, outputs: OUTPUTS, lanes })
    : variant === 'broadcast' ? { LANES: lanes, WIDE: dSkip || OUTPUTS > lanes ? 2 : 1, CHANNELS: Math.min(INPUTS, 8) }
    : { LANES: lanes, WIDE: OUTPUTS > lanes ? 2 : 1, CHANNELS: 16 };
  const inHalves = dSkip && variant === 'broadcast';
  const columns = inHalves ? OUTPUTS / 2 / lanes : OUTPUTS / (lanes * shape.WIDE);
  // A tile of matrices goes over the taps, the others' are of one tap.
  const tiles = (matrix ? Math.ceil((K * INPUTS) / shape.CHANNELS) : K * Math.ceil(INPUTS / shape.CHANNELS)) * Math.ceil(columns);
  const places = K * Cin + 1;
  const mostSums = Math.floor(tape.variant.maxStorageBytes / (places * Cout * 4));
  const wantedSums = Math.min(matrix?.partialSums ?? (variant === 'tile' ? tape.variant.tile.partialSums : fewPartialSums), mostSums);
  const wantedChunks = Math.max(1, Math.floor(wantedSums / B));
  const chunkRows = Math.max(64, alignUp(Math.ceil(L / wantedChunks), 16));
  const chunks = Math.ceil(L / chunkRows);
  const partial = tape.result(`partial d ${weight.name}`, [B * chunks, places, Cout]);
  const groups = B * chunks * tiles;
  tape.record({
    kernel: {
      shader: `weightGradient.${variant}`,
      entry: 'forward',
      constants: {
        ...shape, TAPS: K, INPUTS, OUTPUTS,
        STEP: Number(!!step), PAIR: Number(!!dSkip), LAST: Number(!dOutput), ...typesOf({ In: x }),
      },
    },
    reads: { x, ...(step && { stepEmbedding: step }), ...(dOutput && { dOutput }), ...(dSkip && { dSkip }) },
    writes: { partial },
    params: {
      groups, chunks, chunkRows, length: L, dilation, tileChannels: shape.CHANNELS * 4, inputs: Cin, ...gradientScale(tape, true),
    },
    workgroups: groups,
  });
  reduceAffine(tape, { weight: weightSlot, bias: biasSlot }, partial);
}
