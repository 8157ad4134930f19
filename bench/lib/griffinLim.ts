/** Sound out of a mel spectrogram without a network: what a vocoder has to be better than. */
import { complexFft } from '../../src/audio/fft.ts';
import { hannWindow } from '../../src/audio/hann.ts';
import type { MelSpectrogram } from '../../src/audio/melSpectrogram.ts';
import { amplitudeOf } from '../../src/audio/melSpectrogram.ts';
import { normals } from '../../src/reference/random.ts';

/** Steps towards the amplitudes of the bins, after which they hardly move. */
const leastSquaresSteps = 300;

/** α of the fast algorithm, as its authors and librosa have it. */
const momentum = 0.99;

export interface GriffinLimOptions {
  /** (frames, bands), as `MelSpectrogram` gives it. */
  readonly values: Float32Array;
  readonly iterations?: number;
  /** Of the phases that it begins with. */
  readonly seed?: number;
}

/**
 * The sound (frames · hop) whose short-time spectrum has the amplitudes that the mel spectrogram asks for, as nearly as can be: the fast
 * algorithm of Griffin and Lim (Perraudin, Balazs and Søndergaard, WASPAA 2013) with α = 0.99. The amplitudes of the bins are those
 * of least squares above 0 (Lee and Seung, NIPS 2000: multiplicative updates). The hop must be a power of two.
 */
export function griffinLim(mel: MelSpectrogram, { values, iterations = 100, seed = 0 }: GriffinLimOptions): Float32Array<ArrayBuffer> {
  const frames = values.length / mel.bands;
  const wanted = linearAmplitudes(mel, values);
  const bins = 2 * mel.hopSamples + 1;
  const angles = normals({ seed, stream: 0, step: 0, item: 0, length: frames * bins });
  let [re, im] = [wanted.map((a, i) => a * Math.cos(7 * angles[i]!)), wanted.map((a, i) => a * Math.sin(7 * angles[i]!))];
  let [lastRe, lastIm] = [new Float64Array(re.length), new Float64Array(re.length)];
  let sound = inverse(re, im, { hop: mel.hopSamples, frames });
  for (let i = 0; i < iterations; i++) {
    const next = forward(sound, { hop: mel.hopSamples, frames });
    const ahead = i === 0 ? 0 : momentum;
    for (let k = 0; k < re.length; k++) {
      const [a, b] = [next.re[k]! + ahead * (next.re[k]! - lastRe[k]!), next.im[k]! + ahead * (next.im[k]! - lastIm[k]!)];
      const factor = wanted[k]! / Math.max(1e-12, Math.hypot(a, b));
      re[k] = a * factor;
      im[k] = b * factor;
    }
    [lastRe, lastIm] = [next.re, next.im];
    sound = inverse(re, im, { hop: mel.hopSamples, frames });
  }
  return Float32Array.from(sound);
}

/** |X| (frames, bins) ≥ 0 with the least squared error of the bands. */
function linearAmplitudes(mel: MelSpectrogram, values: Float32Array): Float64Array {
  const bins = 2 * mel.hopSamples + 1;
  const frames = values.length / mel.bands;
  const found = new Float64Array(frames * bins);
  const banded = (x: Float64Array): Float64Array =>
    Float64Array.from(mel.filters, ({ first, weights }) => weights.reduce((sum, weight, i) => sum + weight * x[first + i]!, 0));
  const spread = (a: Float64Array): Float64Array => {
    const x = new Float64Array(bins);
    mel.filters.forEach(({ first, weights }, band) => weights.forEach((weight, i) => (x[first + i]! += weight * a[band]!)));
    return x;
  };
  for (let frame = 0; frame < frames; frame++) {
    const a = Float64Array.from(values.subarray(frame * mel.bands, (frame + 1) * mel.bands), (level) => amplitudeOf(level) / mel.scale);
    const target = spread(a);
    let x = target.slice();
    for (let step = 0; step < leastSquaresSteps; step++) {
      const reached = spread(banded(x));
      x = x.map((value, bin) => (reached[bin]! > 0 ? (value * target[bin]!) / reached[bin]! : 0));
    }
    found.set(x, frame * bins);
  }
  return found;
}

interface Sizes {
  readonly hop: number;
  readonly frames: number;
}

/** The frames of a sound whose middles are a hop apart, from its first sample on; beyond its ends is silence. */
function forward(sound: Float64Array, { hop, frames }: Sizes): { re: Float64Array<ArrayBuffer>; im: Float64Array<ArrayBuffer> } {
  const [size, bins] = [4 * hop, 2 * hop + 1];
  const [window, transform] = [hannWindow(size), complexFft(size)];
  const [re, im] = [new Float64Array(frames * bins), new Float64Array(frames * bins)];
  for (let frame = 0; frame < frames; frame++) {
    const start = (frame - 2) * hop;
    const a = Float64Array.from(window, (w, n) => w * (sound[start + n] ?? 0));
    const b = new Float64Array(size);
    transform(a, b);
    re.set(a.subarray(0, bins), frame * bins);
    im.set(b.subarray(0, bins), frame * bins);
  }
  return { re, im };
}

/** The sound (frames · hop) whose frames are nearest to these in the sense of least squares (Griffin and Lim 1984, eq. 6). */
function inverse(re: Float64Array, im: Float64Array, { hop, frames }: Sizes): Float64Array {
  const [size, bins] = [4 * hop, 2 * hop + 1];
  const [window, transform] = [hannWindow(size), complexFft(size)];
  const [sum, weight] = [new Float64Array(frames * hop), new Float64Array(frames * hop)];
  for (let frame = 0; frame < frames; frame++) {
    const bin = (k: number): number => frame * bins + (k < bins ? k : size - k);
    const a = Float64Array.from({ length: size }, (_, k) => re[bin(k)]!);
    const b = Float64Array.from({ length: size }, (_, k) => (k < bins ? 1 : -1) * im[bin(k)]!);
    transform(b, a); // real and imaginary part exchanged: the inverse, times its size
    for (let n = 0; n < size; n++) {
      const place = (frame - 2) * hop + n;
      if (place < 0 || place >= sum.length) continue;
      sum[place]! += (window[n]! * a[n]!) / size;
      weight[place]! += window[n]! ** 2;
    }
  }
  return sum.map((value, n) => value / Math.max(1e-3, weight[n]!));
}
