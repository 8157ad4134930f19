/**
 * What the fast variants of convolutions have in common: packed weights, one dispatch per slice of output channels, and
 * weight gradients as partial sums. The shaders are conv1d.<variant>.wgsl, weightGradient.<variant>.wgsl and residualLayer.<variant>.wgsl.
 */
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { alignUp } from '../gpu/device/buffers.ts';
import { layerBytes, subgroupHeight } from '../gpu/device/matrix.ts';
import { matrixConvolution, matrixGradient } from './matrix.ts';
import type { Affine, Form, PackLayout, Packed } from './packing.ts';
import { lanesOfTile, layoutOf, packWeights, packedConstants, sliceOf } from './packing.ts';
import { reduceAffine, reduceTogether } from './reduce.ts';

/** What a contraction loads and what it does with its sums; see the head of conv1d.broadcast.wgsl. */
export interface Fusion {
  readonly load?: 'STEP' | 'PAIR' | 'MASKED';
  readonly finish: 'PLAIN' | 'GATE' | 'RESIDUAL' | 'LAYER' | 'GATE_GRADIENT' | 'STEP_GRADIENT';
  readonly save?: boolean;
  /** What is added before the gate: as it is, or the sums of `Contraction.projected`. */
  readonly condition?: boolean | 'projected';
  readonly first?: boolean;
  readonly last?: boolean;
  readonly accumulate?: boolean;
  readonly relu?: boolean;
}

/** Rows that a `tile` workgroup of fewer lanes makes: in those, weights are read again and again for few rows. */
const rowsOfNarrowTile = 128;

/**
 * Rows of a `broadcast` workgroup for each of its lanes, and at most: with more, or with four channels a turn, its loop does not fit the
 * instruction cache.
 */
const rowsOfLane = 4;
const mostRows = 32;

/** Rows of one item that a workgroup works on. */
function rowsOf(tape: Tape, { lanes, wide }: PackLayout): number {
  const { variant, matrix, tile: { rows, deep } } = tape.variant;
  if (matrix) return matrix.subgroupRows * subgroupHeight;
  if (variant === 'broadcast') return Math.max(lanes, Math.min(rowsOfLane * lanes, mostRows));
  const moreRows = Math.min((rows * tape.variant.lanes) / lanes, rowsOfNarrowTile, 16 * wide * deep);
  return Math.max(rows, moreRows);
}

/** Workgroups, and so partial sums over time, that `contract` makes of an item of L samples. */
export function tilesOf(tape: Tape, weight: Tensor, form: Form, L: number): number {
  return Math.ceil(L / rowsOf(tape, layoutOf(tape, weight, form)));
}

/** Storage buffers of a kernel that every adapter has. */
const defaultStorageBuffers = 8;

/**
 * Whether a residual layer with these weights of its dilated convolution can be one kernel: all channels of a row's h in one
 * workgroup's memory, which residualLayer.<variant>.wgsl says the size of, and as many storage buffers as it has.
 */
export function fitsOneKernel(tape: Tape, weight: Tensor, { buffers }: { buffers: number }): boolean {
  const { variant, matrix } = tape.variant;
  if (variant !== 'tile' && variant !== 'matrix') return false;
  const layout = layoutOf(tape, weight, { paired: true, transposed: false });
  const { lanes, wide, slices } = layout;
  const rows = rowsOf(tape, layout);
  const bytes = matrix ? layerBytes(matrix, layout.inputs) : (rows * (lanes + 1) + 16 * lanes * wide) * 16; // of h, and of a slab of weights
  return slices === 1 && bytes <= tape.variant.maxWorkgroupBytes && buffers <= (tape.variant.maxStorageBuffers ?? defaultStorageBuffers);
}

/** Whether the tape's variant can work on these channels. */
export function isFast(tape: Tape, ...channels: readonly number[]): boolean {
  return tape.variant.variant !== 'naive' && channels.every((count) => count % 4 === 0);
}

/** Whether the dilated convolution projects what a layer is told, by these weights (1, M, 2C), in its own kernel. */
export function projectsInKernel(tape: Tape, { weight }: Affine): boolean {
  const [, M, Cout] = weight.shape as [number, number, number];
  return tape.variant.variant === 'broadcast' && isFast(tape, M, Cout / 2) && layoutOf(tape, weight, { paired: true, transposed: false }).uniform;
}

export interface Contraction {
  readonly affine: Affine;
  /** For LAYER the weights of the second convolution. */
  readonly projection?: Affine;
  /** Of a condition that is projected here: (B, L, M), and its weights, which `projectsInKernel`. */
  readonly projected?: Affine & { readonly of: Tensor };
  readonly transposed?: boolean;
  readonly B: number;
  readonly L: number;
  readonly dilation: number;
  readonly reads: Readonly<Record<string, Tensor>>;
  readonly writes: Readonly<Record<string, Tensor>>;
}

/**
 * Records a convolution of (B, L, Cin) by `weight` (K, Cin, Cout), or with `transposed` the gradient in its input,
 * (B, L, Cout) to (B, L, Cin). `reads` and `writes` are what the fusion asks for, weights excepted; `tilesOf` says how many
 * partial sums there will be.
 */
export function contract(tape: Tape, fusion: Fusion, options: Contraction): void {
  const { affine, transposed = false, B, L, dilation } = options;
  const { variant, matrix } = tape.variant;
  const paired = fusion.finish === 'GATE' || fusion.finish === 'RESIDUAL' || fusion.finish === 'LAYER';
  const packedOf = (of: Affine): Packed =>
    of.prepared?.[transposed ? 'transposed' : 'forward'] ?? packWeights(tape, of, { paired, transposed });
  const packed = packedOf(affine);
  const { projected } = options;
  const told = projected && packedOf(projected);
  const projection = options.projection && sliceOf(tape, packedOf(options.projection), 0);
  const { taps, inputs, outputs, lanes, wide, uniform, slices } = packed;
  const width = outputs / (paired ? 8 : 4); // vec4f
  const ROWS = rowsOf(tape, packed);
  const tiles = Math.ceil(L / ROWS);
  const channelsAtOnce = variant === 'broadcast' ? 2 : 4;
  const constantsOf = (two: boolean) => ({
    ...(matrix ? { ROWS, ...matrixConvolution(matrix, { wide }), ...packedConstants(packed), SCALED: Number(fusion.finish === 'GATE_GRADIENT' && options.writes.y?.dtype === 'f16') }
      : variant === 'broadcast' ? { ROWS, LOADS: ROWS / lanes, UNIFORM: Number(uniform), STORED: wide, TWO: Number(two) }
      : tileConstants(tape, { ROWS, lanes, wide })),
    LANES: lanes, WIDE: two ? 2 : wide, TAPS: taps, INPUTS: inputs / 4, PAIRED: Number(paired), ...flagsOf(fusion),
    ...(variant === 'broadcast' && { SOURCES: told ? 2 : 1, TOLD: told ? told.inputs / 4 : 0 }),
    ...typesOf({ In: options.reads.x, Out: options.writes.y, Stored: options.reads.residual ?? options.reads.saved ?? options.writes.saved }, channelsAtOnce),
  });
  for (let slice = 0; slice < slices;) {
    // Slices that are narrow because wide ones do not fit into a uniform binding are worked on in twos.
    const two = variant === 'broadcast' && uniform && wide === 1 && slice + 1 < slices;
    const weight = { weight: sliceOf(tape, packed, slice), ...(two && { next: sliceOf(tape, packed, slice + 1) }) };
    tape.record({
      kernel: {
        shader: `${fusion.finish === 'LAYER' ? 'residualLayer' : 'conv1d'}.${variant}`, entry: 'forward', constants: constantsOf(two),
      },
      reads: {
        ...options.reads, ...weight, ...(projection && { projection }),
        ...(told && { told: projected!.of, toldWeight: sliceOf(tape, told, slice) }),
      },
      writes: options.writes,
      params: {
        groups: B * tiles, tiles, length: L, width, slice: slice * lanes * (paired ? 1 : wide),
        dilation, direction: transposed ? -1 : 1, rows: ROWS, inputs: inputs / channelsAtOnce,
        ...(transposed ? gradientScale(tape, options.reads.x) : { scale: 1, unscale: 1 }), conditionRows: options.reads.condition?.shape.at(-2) === L ? L : 1,
        told: told ? told.inputs / channelsAtOnce : 0,
      },
      workgroups: B * tiles,
      work: 2 * B * tiles * ROWS * ((projection ? taps + 1 : taps) * inputs + (told?.inputs ?? 0)) * lanes * (two ? 2 : wide) * 4,
    });
    slice += two ? 2 : 1;
  }
}

function tileConstants({ variant: { tile: { deep, prefetch } } }: Tape, { ROWS, lanes, wide }: { ROWS: number; lanes: number; wide: number }) {
  const loads = { INPUT_LOADS: (4 * deep) / lanes, WEIGHT_LOADS: (16 * wide * deep) / ROWS }; // of an invocation and a slab
  return { ROWS, DEEP: deep, PREFETCH: Number(prefetch), ...(prefetch && loads) };
}

/**
 * What `matrix` kernels multiply gradients by while these are f16, the tape's scale, and their sums of products by afterwards. Such
 * gradients may be stored already; what is `biasUnscale` then is 1 for others.
 */
function gradientScale({ variant: { matrix }, gradientScale: scale }: Tape, gradient: Tensor | undefined): Record<'scale' | 'unscale' | 'biasUnscale', number> {
  if (matrix?.component !== 'f16') return { scale: 1, unscale: 1, biasUnscale: 1 };
  const stored = gradient?.dtype === 'f16';
  return { scale: stored ? 1 : scale, unscale: 1 / scale, biasUnscale: stored ? 1 / scale : 1 };
}

/** WGSL types by alias for tensors that may be f16 in mixed precision, and whether one of them is. Of `In` so many channels are read at once. */
function typesOf(tensors: Readonly<Record<string, Tensor | undefined>>, channelsAtOnce: 2 | 4 = 4): Record<string, number | string> {
  const isHalf = (tensor: Tensor | undefined): boolean => tensor?.dtype === 'f16';
  const types = Object.entries(tensors).map(([alias, tensor]) => {
    const vector = `vec${alias === 'In' ? channelsAtOnce : 4}`;
    return [alias, isHalf(tensor) ? `${vector}<f16>` : `${vector}f`];
  });
  return { ...Object.fromEntries(types), F16: Number(Object.values(tensors).some(isHalf)) };
}

function flagsOf(fusion: Fusion): Record<string, number> {
  const { load, finish, save, condition, first, last, accumulate, relu } = fusion;
  const flag = (value: boolean | undefined): number => Number(value ?? false);
  return {
    PAIR: flag(load === 'PAIR'), STEP: flag(load === 'STEP'),
    PLAIN: flag(finish === 'PLAIN'), GATE: flag(finish === 'GATE'), RESIDUAL: flag(finish === 'RESIDUAL'), LAYER: flag(finish === 'LAYER'),
    GATE_GRADIENT: flag(finish === 'GATE_GRADIENT'), STEP_GRADIENT: flag(finish === 'STEP_GRADIENT'),
    SAVE: flag(save), CONDITION: flag(condition === true), PROJECTED: flag(condition === 'projected'), FIRST: flag(first), LAST: flag(last), ACCUMULATE: flag(accumulate),
    RELU: flag(relu), MASKED: flag(load === 'MASKED'),
  };
}

/** Most partial sums of a weight gradient on a software adapter: two processor cores are busy with few. */
const fewPartialSums = 64;

/**
 * Rows that a weight gradient on a software adapter takes at once. Two: its loop has to stay in the instruction cache, and
 * every place that loads from storage is 3 KB of code there.
 */
const rowsAtOnce = 2;

/** vec4f of inputs that a tile of a weight gradient has on a software adapter at most: with more the loop does not fit that cache. */
const mostChannels = 8;

/** Invocations of a `tile` workgroup of a weight gradient at 64 channels; smaller ones get more workgroups. */
const usualInvocations = 128;

/**
 * How a weight gradient is cut into workgroups: `tiles` of taps, inputs and outputs for each chunk of rows, how many chunks there
 * should be, and their `fewestRows`, as a partial sum has to be written, read and added up. A tile of matrices goes over the taps,
 * the others' are of one tap.
 */
function cutOf(tape: Tape, { K, INPUTS, OUTPUTS, paired }: { K: number; INPUTS: number; OUTPUTS: number; paired: boolean }) {
  const { variant, lanes, tile, matrix } = tape.variant;
  if (matrix) {
    const shape = matrixGradient(matrix, { inputs: K * INPUTS, outputs: OUTPUTS, lanes });
    const tiles = Math.ceil((K * INPUTS) / shape.CHANNELS) * Math.ceil(OUTPUTS / (lanes * shape.WIDE));
    return { shape, tiles, sums: matrix.partialSums, fewestRows: 64 };
  }
  if (variant === 'broadcast') {
    const CHANNELS = Math.ceil(INPUTS / Math.ceil(INPUTS / mostChannels)); // tiles of one size: what is beyond INPUTS is computed all the same
    const GROUPS = lanes / rowsAtOnce;
    const shape = {
      LANES: lanes, WIDE: paired || OUTPUTS > lanes ? 2 : 1, CHANNELS, ROWS: rowsAtOnce, GROUPS, LOADS: Math.ceil(CHANNELS / GROUPS),
    };
    const columns = paired ? OUTPUTS / 2 / lanes : OUTPUTS / (lanes * shape.WIDE);
    return { shape, tiles: K * Math.ceil(INPUTS / shape.CHANNELS) * Math.ceil(columns), sums: fewPartialSums, fewestRows: 1024 };
  }
  const LANES = lanesOfTile(tape, OUTPUTS / 2);
  const CHANNELS = Math.min(16, Math.max(8, 2 ** Math.ceil(Math.log2(INPUTS))));
  const shape = { LANES, WIDE: OUTPUTS > LANES ? 2 : 1, CHANNELS };
  const tiles = K * Math.ceil(INPUTS / CHANNELS) * Math.ceil(OUTPUTS / (LANES * shape.WIDE));
  const workgroups = (tile.gradientGroups * usualInvocations) / ((LANES * CHANNELS) / 2);
  return { shape, tiles, sums: Math.max(1, Math.round(workgroups / tiles)), fewestRows: 64 };
}

/**
 * Records dweight[k, ci, co] = Σ a[t + (k − (K−1)/2)·D, ci]·b[t, co] and dbias = Σ b, where a is x (plus `step`), and b
 * is dOutput, or with dSkip the pair [dOutput/√2 | dSkip], or with `mask` dOutput where the mask is above 0.
 */
export function contractWeights(tape: Tape, options: {
  affine: Affine; B: number; L: number; dilation: number;
  x: Tensor; step?: Tensor; dOutput?: Tensor; dSkip?: Tensor; mask?: Tensor;
  /** (B, Cout), added to all rows of an item: its gradient is the bias's, item by item. */
  perItem?: Tensor;
}): void {
  const { affine: { weight, bias }, B, L, dilation, x, step, dOutput, dSkip, mask } = options;
  const weightSlot = tape.gradientSlot(weight);
  const biasSlot = tape.gradientSlot(bias);
  if (!weightSlot && !biasSlot) return;
  const { variant } = tape.variant;
  const [K, Cin, Cout] = weight.shape as [number, number, number];
  const [INPUTS, OUTPUTS] = [Cin / 4, Cout / 4];
  const { shape, tiles, sums, fewestRows } = cutOf(tape, { K, INPUTS, OUTPUTS, paired: !!dSkip });
  const places = K * Cin + 1;
  const mostSums = Math.floor(tape.variant.maxStorageBytes / (places * Cout * 4));
  const wantedSums = Math.min(sums, mostSums);
  const wantedChunks = Math.max(1, Math.floor(wantedSums / B));
  const chunkRows = Math.max(fewestRows, alignUp(Math.ceil(L / wantedChunks), 16));
  const chunks = Math.ceil(L / chunkRows);
  const partial = tape.result(`partial d ${weight.name}`, [B * chunks, places, Cout]);
  const groups = B * chunks * tiles;
  tape.record({
    kernel: {
      shader: `weightGradient.${variant}`,
      entry: 'forward',
      constants: {
        ...shape, TAPS: K, INPUTS, OUTPUTS,
        STEP: Number(!!step), PAIR: Number(!!dSkip), LAST: Number(!dOutput), MASKED: Number(!!mask),
        ...typesOf({ In: x, ...(tape.variant.matrix && { Gradient: dOutput }) }),
      },
    },
    reads: { x, ...(step && { stepEmbedding: step }), ...(dOutput && { dOutput }), ...(dSkip && { dSkip }), ...(mask && { mask }) },
    writes: { partial },
    params: {
      groups, chunks, chunkRows, length: L, dilation, tileChannels: shape.CHANNELS * 4, inputs: Cin, ...gradientScale(tape, dOutput),
    },
    workgroups: groups,
    work: 2 * groups * chunkRows * shape.CHANNELS * 4 * shape.LANES * shape.WIDE * 4,
  });
  reduceAffine(tape, options.affine, { weight: weightSlot, bias: biasSlot }, partial);
  const { perItem } = options;
  const itemSlot = perItem && tape.gradientSlot(perItem);
  if (!itemSlot) return;
  reduceTogether(tape, { of: [perItem], slot: itemSlot }, partial, {
    segments: B, parts: chunks, stride: places * Cout, offset: (places - 1) * Cout, width: Cout,
  });
}
