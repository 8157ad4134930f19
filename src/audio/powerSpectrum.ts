/** How the power of a sound is spread over frequency, on the scale of its samples: white noise of variance 1 is 1 throughout. */
import { stft } from './spectrogram.ts';

/**
 * Power spectral density by Welch's method (IEEE Trans. Audio Electroacoust. 15(2), 1967): the mean over half-overlapping
 * Hann frames of |X|²/Σw². Its mean over frequency is the mean square of the samples.
 *
 * @param samples (L)
 * @param size samples of a frame, a power of two from 4
 * @returns (size / 2 + 1), bin k at k · sampleRate / size
 * @throws RangeError as `stft`
 */
export function powerSpectrum(samples: Float32Array, { size }: { size: number }): Float64Array {
  const { frames, bins, power } = stft(samples, { size, hop: size / 2 });
  // `stft` scales |X|² by (4/N)², so that a sine is 1; a periodic Hann window has Σw² = 3N/8. (16/N²)·(3N/8) = 6/N.
  const scale = size / 6;
  const density = new Float64Array(bins);
  power.forEach((value, i) => (density[i % bins]! += (value * scale) / frames));
  return density;
}

/** The frame for signals of this length: 1024, or what fits into a shorter one. */
export function frameSizeFor(samples: number): number {
  return Math.max(4, Math.min(1024, 2 ** Math.floor(Math.log2(samples))));
}

/**
 * Mean of a function of frequency over the bins of a spectrum, from 0 to half the sample rate, by the trapezoidal rule:
 * the first and the last bin stand for half as much of the axis as the others.
 */
export function meanOverFrequency(bins: number, value: (bin: number) => number): number {
  let sum = (value(0) + value(bins - 1)) / 2;
  for (let bin = 1; bin < bins - 1; bin++) sum += value(bin);
  return sum / (bins - 1);
}
