/** How much white noise there is in a sound. */
import { quantile } from '../statistics.ts';
import { frameSizeFor } from './powerSpectrum.ts';
import { stft } from './spectrogram.ts';

/** What of the band is looked at, in cycles per sample: outside, filters of the recording may have taken the noise away. */
const range = { from: 0.05, to: 0.4 };
/** Short frames are many, and their median is a steady one. */
const mostFrame = 256;
/** Neighbouring bins that are averaged: the quietest of single bins would be the luckiest. */
const binsOfBand = 8;
/** Share of the bands that counts as free of sound. */
const quietShare = 0.1;

/**
 * Standard deviation of the white noise in a sound: its spectrum is flat, so that it is what the quietest frequencies have.
 * In each bin the median over time stands for the noise's power, which is exponentially distributed (its median is
 * ln 2 times its mean; the idea of minimum statistics, Martin 2001, over frequency in place of time). Sound that fills
 * the whole band all the time counts as noise.
 *
 * @param samples (L)
 * @throws RangeError as `stft`
 */
export function noiseFloor(samples: Float32Array): number {
  const size = Math.min(mostFrame, frameSizeFor(samples.length));
  const { frames, bins, power } = stft(samples, { size, hop: size / 2 });
  const medians: number[] = [];
  for (let bin = Math.ceil(range.from * size); bin <= Math.min(bins - 1, range.to * size); bin++) {
    medians.push(quantile(Array.from({ length: frames }, (_, frame) => power[frame * bins + bin]!), 0.5));
  }
  const bands = Array.from({ length: Math.ceil(medians.length / binsOfBand) }, (_, i) => {
    const members = medians.slice(i * binsOfBand, (i + 1) * binsOfBand);
    return members.reduce((sum, value) => sum + value, 0) / members.length;
  });
  // `stft` scales |X|² by (4/N)²; of white noise of variance s², its mean is s²·6/N (see `powerSpectrum`).
  return Math.sqrt((quantile(bands, quietShare) / Math.LN2) * (size / 6));
}
