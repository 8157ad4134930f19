import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { activationShape, expectShape } from '../autograd/tensor.ts';
import { hasManyThreads } from '../gpu/device/variant.ts';
import { workgroupsFor } from './lanes.ts';
import { reduceInto } from './reduce.ts';

/** Bands that a band of the result comes from. */
const bandTaps = 3;

/** What a multiply-add takes that loads both of its operands; see `Dispatch.work`. */
const naiveWork = 8 * 2;

/** A transposed convolution: weight (2s, 3, 1, 1), taps over time and over bands, and bias (1). */
export interface UpsampleStage {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** A stretch of a longer clip's rows; where it lies is given to `run` as `windowStart`, a number of the clip's samples. */
export interface UpsampleStretch {
  /** Rows of the result. */
  readonly rows: number;
  /** Rows that x has in the whole clip: nothing lies before or behind them, neither in x nor in the result. */
  readonly total: number;
  /** x is the whole; else its first row is the first that the result needs. */
  readonly whole: boolean;
  /** s of the stage that reads the result, whose first row is then the first that this needs; absent where none does. */
  readonly later?: number;
}

export interface UpsampleOptions extends UpsampleStage {
  readonly x: Tensor;
  readonly name?: string;
  readonly stretch?: UpsampleStretch;
}

/**
 * One stage of DiffWave's spectrogram upsampler (Kong et al. 2021, §3.2; SpectrogramUpsampler in lmnt-com/diffwave):
 * lrelu(ConvTranspose2d(1, 1, (3, 2s), stride (1, s), padding (1, ⌊s/2⌋))(x)) with slope 0.4, of a spectrogram that is an image of
 * one channel. x (B, F, M), F frames of M bands; weight (2s, 3, 1, 1), bias (1); the result (B, F·s, M), of an odd s without
 * PyTorch's last row, which is one more:
 *
 *     z[b, t, m] = bias + Σ_f Σ_k weight[t + ⌊s/2⌋ − f·s, k]·x[b, f, m + 1 − k],   y = z where z > 0, else 0.4·z
 *
 * With `stretch` it is some rows of a longer clip's result, the same to the bit as in the whole, and has no gradient.
 *
 * @throws TypeError when a shape does not fit
 */
export function upsample(tape: Tape, { x, weight, bias, name = 'upsampled', stretch }: UpsampleOptions): Tensor {
  const { B, L: F, C: M } = activationShape(x, 'upsample');
  const factor = factorOf({ weight, bias });
  const rows = stretch?.rows ?? F * factor;
  const sizes = {
    items: B, frames: F, bands: M, rows, total: stretch?.total ?? F, later: stretch?.later ?? 0, whole: Number(stretch?.whole ?? true),
    chunkRows: 0, parts: 0,
  };
  const constants = { WINDOW: Number(stretch !== undefined) };
  const overrides = { TAPS: 2 * factor };
  const y = tape.result(name, [B, rows, M], stretch ? [] : [x, weight, bias]);
  tape.record({
    kernel: { shader: 'upsample', entry: 'forward', constants, overrides },
    reads: { x, weight, bias },
    writes: { y },
    params: sizes,
    step: stretch !== undefined,
    workgroups: workgroupsFor(B * rows * M),
    work: naiveWork * 2 * bandTaps * B * rows * M,
  });

  // dz = dy where y > 0, else 0.4·dy: y has the sign of z
  // dweight[j, k] = Σ x[b, f, m]·dz[b, f·s − ⌊s/2⌋ + j, m − 1 + k],  dbias = Σ dz
  // dx[b, f, m] = Σ_j Σ_k weight[j, k]·dz[b, f·s − ⌊s/2⌋ + j, m − 1 + k]
  tape.onBackward([y], () => {
    const dOutput = tape.gradient(y)!;
    const work = naiveWork * 2 * factor * bandTaps * B * F * M;
    const dWeight = tape.gradientSlot(weight);
    const dBias = tape.gradientSlot(bias);
    if (dWeight || dBias) {
      const { chunkRows, parts } = chunksOfFrames(tape, B * F);
      const partial = tape.result(`partial d ${weight.name}`, [parts, 2 * factor, bandTaps]);
      const partialBias = tape.result(`partial d ${bias.name}`, [parts, factor]);
      tape.record({
        kernel: { shader: 'upsample', entry: 'weightGradient', constants, overrides },
        reads: { x, output: y, dOutput },
        writes: { partial, partialBias },
        params: { ...sizes, chunkRows, parts },
        workgroups: workgroupsFor(parts * 2 * factor),
        work,
      });
      const one = { segments: 1, offset: 0 };
      if (dWeight) reduceInto(tape, dWeight, partial, { ...one, parts, stride: weight.length, width: weight.length });
      if (dBias) reduceInto(tape, dBias, partialBias, { ...one, parts: parts * factor, stride: 1, width: 1 });
    }
    const dInput = tape.gradientSlot(x);
    if (!dInput) return;
    tape.record({
      kernel: { shader: 'upsample', entry: 'inputGradient', constants, overrides: { ...overrides, ACCUMULATE: dInput.accumulate } },
      reads: { weight, output: y, dOutput },
      writes: { dInput: dInput.tensor },
      params: sizes,
      workgroups: workgroupsFor(B * F * M),
      work,
    });
  });
  return y;
}

/**
 * The spectrogram upsampler: two stages, (B, F, M) → (B, F·s₁·s₂, M). With `width` it is the (B, width, M) of a window that may begin
 * at any sample of the clip, and reach past its ends, where it is 0: its first is the `windowStart` that is given to `run`, as
 * `gatherWindow` has it. The spectrogram is then the whole clip's, so that a window's rows are those of the whole to the bit.
 *
 * @throws TypeError when a shape does not fit
 */
export function upsampleSpectrogram(
  tape: Tape, options: { spectrogram: Tensor; stages: readonly [UpsampleStage, UpsampleStage]; width?: number },
): Tensor {
  const { spectrogram, stages: [first, second], width } = options;
  if (width === undefined) {
    const between = upsample(tape, { x: spectrogram, ...first, name: 'half upsampled' });
    return upsample(tape, { x: between, ...second });
  }
  const frames = activationShape(spectrogram, 'upsample').L;
  const [s, later] = [factorOf(first), factorOf(second)];
  // Rows from that before the first sample's to the last sample's, wherever between two rows the window begins.
  const rows = Math.floor((width + later - 2) / later) + 2;
  const between = upsample(tape, {
    x: spectrogram, ...first, name: 'half upsampled', stretch: { rows, total: frames, whole: true, later },
  });
  return upsample(tape, { x: between, ...second, stretch: { rows: width, total: frames * s, whole: false } });
}

/** s, of weights that fit. */
function factorOf({ weight, bias }: UpsampleStage): number {
  const taps = weight.shape[0] ?? 0;
  expectShape(weight, [taps, bandTaps, 1, 1], 'upsample weight');
  expectShape(bias, [1], 'upsample bias');
  if (taps < 4 || taps % 2 !== 0) throw new TypeError(`upsample: wanted 2s taps over time, s from 2, got ${weight}`);
  return taps / 2;
}

/** Rows of x that one partial sum covers: few, as each is a sum over all bands, and as many sums as fill a GPU. */
function chunksOfFrames(tape: Tape, frames: number): { chunkRows: number; parts: number } {
  const chunkRows = Math.max(8, Math.ceil(frames / (hasManyThreads(tape.variant) ? 2048 : 64)));
  return { chunkRows, parts: Math.ceil(frames / chunkRows) };
}
