/** Short-time spectra and the log-spectral distance between two sounds. Decibels are relative to a full-scale sine. */
import { realFft } from './fft.ts';
import { hannWindow } from './hann.ts';

export interface StftOptions {
  readonly size?: number; // samples of a frame, a power of two; default 1024
  readonly hop?: number; // samples from one frame to the next; default size / 4
}

export interface SpectrogramOptions extends StftOptions {
  readonly floorDb?: number; // anything quieter is raised to this; default −100 dB
}

export interface Stft {
  readonly frames: number;
  readonly bins: number; // size / 2 + 1, bin k at k · sampleRate / size
  readonly power: Float64Array; // (frames, bins): |X|², 1 for the bin of a sine of amplitude 1
  readonly size: number;
  readonly hop: number;
}

export interface Spectrogram {
  readonly frames: number;
  readonly bins: number;
  readonly db: Float32Array; // (frames, bins): 10·log10(power), 0 dB for a full-scale sine
  readonly size: number;
  readonly hop: number;
}

/**
 * Power of the short-time Fourier transform with a Hann window. Frame i covers samples [i · hop, i · hop + size);
 * only whole frames are taken, except that a signal shorter than one frame is padded with zeros to one.
 *
 * @param samples (L)
 * @throws RangeError when there are no samples, one is not finite, or size or hop is out of range
 */
export function stft(samples: Float32Array, { size = 1024, hop = size / 4 }: StftOptions = {}): Stft {
  if (samples.length === 0) throw new RangeError('stft: there are no samples');
  if (!Number.isInteger(hop) || hop < 1)
    throw new RangeError(`stft: the hop must be a whole number above 0, not ${hop}`);
  const broken = samples.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw new RangeError(`stft: sample ${broken} of ${samples.length} is ${samples[broken]}`);
  const transform = realFft(size);
  const window = hannWindow(size);
  const gain = 2 / window.reduce((sum, value) => sum + value, 0); // amplitude of a sine per |X| at its bin
  const frames = 1 + Math.max(0, Math.floor((samples.length - size) / hop));
  const bins = size / 2 + 1;
  const power = new Float64Array(frames * bins);
  const windowed = new Float64Array(size);
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * hop;
    for (let n = 0; n < size; n++) windowed[n] = start + n < samples.length ? samples[start + n]! * window[n]! : 0;
    const { re, im } = transform(windowed);
    for (let k = 0; k < bins; k++) power[frame * bins + k] = (re[k]! * re[k]! + im[k]! * im[k]!) * gain * gain;
  }
  return { frames, bins, power, size, hop };
}

/**
 * Spectrogram in decibels, (frames, bins).
 *
 * @throws RangeError as `stft`
 */
export function spectrogram(samples: Float32Array, options: SpectrogramOptions = {}): Spectrogram {
  const { power, ...shape } = stft(samples, options);
  return { ...shape, db: Float32Array.from(power, decibels(options.floorDb)) };
}

/**
 * Mean over the frames of the logarithmic power spectrum: (size / 2 + 1) values in decibels.
 *
 * @throws RangeError as `stft`
 */
export function meanLogSpectrum(samples: Float32Array, options: SpectrogramOptions = {}): Float64Array {
  const { frames, bins, power } = stft(samples, options);
  const toDb = decibels(options.floorDb);
  const mean = new Float64Array(bins);
  power.forEach((value, i) => (mean[i % bins]! += toDb(value) / frames));
  return mean;
}

/**
 * Log-spectral distance in decibels: √( (1/N) · Σ_k (A_k − B_k)² ) over the N bins of two logarithmic power spectra,
 * the root mean square measure d_2 of Gray and Markel, "Distance measures for speech processing", IEEE Trans. ASSP
 * 24(5), 1976.
 *
 * @param aSpectrum (N) in dB, for example from `meanLogSpectrum`
 * @param bSpectrum (N) in dB, with frames of the same size
 * @throws RangeError when the two differ in length or are empty
 */
export function logSpectrumDistance(aSpectrum: Float64Array, bSpectrum: Float64Array): number {
  if (aSpectrum.length !== bSpectrum.length || aSpectrum.length === 0) {
    throw new RangeError(
      `logSpectrumDistance: spectra of ${aSpectrum.length} and ${bSpectrum.length} bins cannot be compared`,
    );
  }
  const sum = aSpectrum.reduce((total, a, k) => total + (a - bSpectrum[k]!) ** 2, 0);
  return Math.sqrt(sum / aSpectrum.length);
}

/** Power to decibels, with a floor: silence has no logarithm. */
function decibels(floorDb = -100): (power: number) => number {
  const floorPower = 10 ** (floorDb / 10);
  return (power) => 10 * Math.log10(Math.max(power, floorPower));
}
