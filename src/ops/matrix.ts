/** What the `matrix` variants of the contraction kernels are made from, beside what all variants are: see `contraction.ts`. */
import type { MatrixSettings } from '../gpu/device/matrix.ts';
import { matrixThreads, resultRows, stagedPadding, subgroupHeight } from '../gpu/device/matrix.ts';

type Constants = Record<string, number | string>;

function common(settings: MatrixSettings): Constants {
  const { component, M, N, K, subgroup, pinned, subgroupRows } = settings;
  const half = component === 'f16';
  return {
    HALF: Number(half), Component: component, Staged: half ? 'vec4<f16>' : 'vec4f', PAD: stagedPadding(settings),
    M, N, K, SUBGROUP: subgroup, PINNED: Number(pinned), SUBGROUP_ROWS: subgroupRows, CHUNK: resultRows,
  };
}

/** Vec4f of a row are `wide`·16, of which each of two subgroups has half. */
const columnsOf = (wide: number): number => 16 * wide;

/** Constants of `conv1d.matrix`, whose packed weights have `wide` vec4f a lane. */
export function matrixConvolution(settings: MatrixSettings, { wide }: { wide: number }): Constants {
  const { M, N, subgroupRows, slab } = settings;
  const threads = matrixThreads(settings);
  return {
    ...common(settings),
    SLAB: slab,
    DOWN: subgroupHeight / M,
    ACROSS: (columnsOf(wide) * 4) / 2 / N,
    INPUT_LOADS: (subgroupRows * subgroupHeight * slab) / threads,
    WEIGHT_LOADS: (slab * 4 * columnsOf(wide)) / threads,
  };
}

/**
 * Constants of `weightGradient.matrix` for so many vec4f of inputs, those of all taps behind each other, and of outputs. A tile
 * has 64, 128 or 192 of the inputs, so that all taps of 64 channels are one: what is read of the outputs serves them all.
 */
export function matrixGradient(
  settings: MatrixSettings, { inputs, outputs, lanes }: { inputs: number; outputs: number; lanes: number },
): Constants & { LANES: number; WIDE: number; CHANNELS: number } {
  const { M, N, subgroupRows, channels, depth } = settings;
  const threads = matrixThreads(settings);
  const wide = outputs > lanes ? 2 : 1;
  const tile = Math.min(channels, Math.ceil(inputs / 16) * 16);
  return {
    ...common(settings),
    LANES: lanes, WIDE: wide, CHANNELS: tile, DEPTH: depth,
    DOWN: (tile * 4) / subgroupRows / M,
    ACROSS: (columnsOf(wide) * 4) / 2 / N,
    INPUT_LOADS: (depth * tile) / threads,
    OUTPUT_LOADS: (depth * columnsOf(wide)) / threads,
  };
}

/** What a gradient of 1/terms becomes. */
const usualSize = 16;

/**
 * What gradients of a mean over `terms` numbers are multiplied by while they are f16: 16·2^round(log2 terms). They are about
 * 1/terms, 7e-6 for `gtzan`, where f16 begins to lose places below 6e-5 and has nothing below 6e-8. So they keep all places from
 * 4e-6 to 4e3 times that size: more room below, as behind a convolution that begins with zeros they are as small as its weights.
 */
export function gradientScaleFor(terms: number): number {
  return usualSize * 2 ** Math.round(Math.log2(terms));
}
