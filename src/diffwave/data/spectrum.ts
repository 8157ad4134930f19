/** What a data set sounds like on average: its mean power spectrum, which goes with the weights that were trained on it. */
import { frameSizeFor, powerSpectrum } from '../../audio/powerSpectrum.ts';
import { UserError } from '../../errors.ts';
import type { ClipSource } from './clips.ts';
import { checkedClip } from './clips.ts';

/** Clips of a data set that its spectrum is taken from: past that it changes little and takes seconds. */
const mostSpectra = 500;

/** Mean power spectrum of a data set's clips by frames of `size` samples, (size/2 + 1); white noise of variance 1 is 1. */
export function meanSpectrum(clips: ClipSource, size: number): Float64Array {
  const count = Math.min(clips.clipCount, mostSpectra);
  const sum = new Float64Array(size / 2 + 1);
  for (let i = 0; i < count; i++) {
    const spectrum = powerSpectrum(checkedClip(clips, Math.floor((i * clips.clipCount) / count)), { size });
    spectrum.forEach((value, bin) => (sum[bin]! += value / count));
  }
  return sum;
}

/** S(f) of a training set as it is kept with the weights: 513 bins where clips have 1024 samples, fewer in shorter ones. */
export function trainingSpectrum(clips: ClipSource): Float32Array {
  return Float32Array.from(meanSpectrum(clips, frameSizeFor(clips.clipSamples)));
}

/** Digits of a float32 that give the same float32 back. */
const digits = 9;

/** The text for the metadata entry `spectrum` of a weights file. */
export function spectrumToMetadata(spectrum: Float32Array): string {
  return JSON.stringify(Array.from(spectrum, (value) => Number(value.toPrecision(digits))));
}

/**
 * The spectrum in that entry, `json`; undefined where there is none, as in files of older versions and of other programs.
 * Throws a `UserError` that names the file, `where`, if it is not a spectrum.
 */
export function spectrumFromMetadata(json: string | undefined, where: string): Float32Array | undefined {
  if (json === undefined) return undefined;
  const values = parse(json);
  const isSpectrum = Array.isArray(values) && Number.isInteger(Math.log2(values.length - 1)) &&
    values.every((value) => typeof value === 'number' && value >= 0);
  if (!isSpectrum) throw new UserError(`${where} is damaged: its "spectrum" is not 2^n + 1 numbers from 0`);
  return Float32Array.from(values);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
