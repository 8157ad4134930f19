/** The spectrogram that vocoders of lmnt-com/diffwave are conditioned on, as its preprocess.py makes it with torchaudio. */
import { realFft } from './fft.ts';
import { hannWindow } from './hann.ts';
import type { MelBand } from './mel.ts';
import { melBands } from './mel.ts';

const lowestHz = 20;

export interface MelSpectrogramOptions {
  readonly sampleRate: number;
  /** Samples from one frame to the next; a frame has four times as many. */
  readonly hopSamples: number;
  /** Bands, equally wide on HTK's mel scale from 20 Hz to half the sample rate. */
  readonly melBands: number;
}

/** A range of a clip's frames. */
export interface FrameRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Frames of a mel spectrogram in [0, 1]: v = clamp((20·log10(max(a, 1e-5)) − 20 + 100) / 100, 0, 1) of the amplitude a in a
 * band, triangles of height 1 over |X| / √Σw², w a periodic Hann window of 4 hops. The middle of frame i is sample i · hop; where a
 * frame reaches past an end of the clip, the clip is reflected there (its last sample is not doubled). Samples beyond ±1 count as ±1.
 * A frame is transformed with zeros up to a power of two, 1,024 for hops of 200 and 256, as preprocess.py does with that `n_fft`.
 */
export class MelSpectrogram {
  readonly sampleRate: number;
  readonly hopSamples: number;
  readonly bands: number;
  /** The triangles over the bins: of those there are half of what the transform takes, and one more. */
  readonly filters: readonly MelBand[];
  /** What the amplitudes of the transform are multiplied by, 1 / √Σw². */
  readonly scale: number;
  readonly #window: Float64Array;
  readonly #size: number; // of the transform
  readonly #transform: ReturnType<typeof realFft>;

  /** @throws RangeError when the hop is no whole number from 1, or a band or the frequency range makes no sense */
  constructor({ sampleRate, hopSamples, melBands: bands }: MelSpectrogramOptions) {
    if (!Number.isInteger(hopSamples) || hopSamples < 1) throw new RangeError(`melSpectrogram: the hop must be a whole number from 1, not ${hopSamples}`);
    const size = 2 ** Math.ceil(Math.log2(4 * hopSamples));
    this.#size = size;
    this.sampleRate = sampleRate;
    this.hopSamples = hopSamples;
    this.bands = bands;
    this.#transform = realFft(size);
    this.filters = melBands({ sampleRate, size, bands, fromHz: lowestHz });
    this.#window = hannWindow(4 * hopSamples);
    this.scale = 1 / Math.sqrt(this.#window.reduce((sum, w) => sum + w * w, 0));
  }

  /** Frames of a clip of so many samples: 1 + ⌊L / hop⌋. The last one's samples are not all there unless the hop divides L. */
  framesOf(samples: number): number {
    return 1 + Math.floor(samples / this.hopSamples);
  }

  /**
   * Frames of a clip, all of them or a range, which are then those of the whole: (frames, bands).
   *
   * @param samples (L)
   * @throws RangeError when there are no samples, one is not finite, or the clip has no such frames
   */
  of(samples: Float32Array, range?: FrameRange): Float32Array<ArrayBuffer> {
    const { first, count } = range ?? { first: 0, count: this.framesOf(samples.length) };
    if (samples.length === 0) throw new RangeError('melSpectrogram: there are no samples');
    if (!(first >= 0 && count >= 0 && first + count <= this.framesOf(samples.length))) {
      throw new RangeError(`melSpectrogram: frames ${first} to ${first + count} of ${this.framesOf(samples.length)}`);
    }
    const values = new Float32Array(count * this.bands);
    const reach = this.#window.length;
    const frame = new Float64Array(this.#size); // zeros behind the window: where it lies does not matter to |X|
    for (let i = 0; i < count; i++) {
      const start = (first + i) * this.hopSamples - reach / 2;
      for (let n = 0; n < reach; n++) frame[n] = this.#window[n]! * sampleAt(samples, start + n);
      const { re, im } = this.#transform(frame);
      this.filters.forEach((filter, band) => {
        let amplitude = 0;
        filter.weights.forEach((weight, k) => (amplitude += weight * Math.hypot(re[filter.first + k]!, im[filter.first + k]!)));
        values[i * this.bands + band] = levelOf(amplitude * this.scale);
      });
    }
    return values;
  }
}

/** 0 for −100 dB and below, 1 for 0 dB and above, where an amplitude of 10 is 0 dB. */
function levelOf(amplitude: number): number {
  return Math.max(0, Math.min(1, (20 * Math.log10(Math.max(amplitude, 1e-5)) + 80) / 100));
}

/** The amplitude in a band that stands behind a value of a mel spectrogram: the inverse of its last step, 1e-4 for 0. */
export function amplitudeOf(level: number): number {
  return 10 ** ((level * 100 - 80) / 20);
}

/** The clip, reflected at its ends as often as it takes. */
function sampleAt(samples: Float32Array, place: number): number {
  const last = samples.length - 1;
  const period = 2 * last || 1;
  const around = ((place % period) + period) % period;
  const value = samples[last - Math.abs(last - around)]!;
  if (!Number.isFinite(value)) throw new RangeError(`melSpectrogram: sample ${last - Math.abs(last - around)} of ${samples.length} is ${value}`);
  return Math.max(-1, Math.min(1, value));
}
