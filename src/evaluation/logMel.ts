/** Sound as the yardstick looks at it: the logarithm of its power in mel bands, frame by frame. */
import type { MelBand } from '../audio/mel.ts';
import { melBands } from '../audio/mel.ts';
import { meanOverFrequency } from '../audio/powerSpectrum.ts';
import { stft } from '../audio/spectrogram.ts';

/** Wished for; a frame is the power of two nearest to it. */
const frameSeconds = 0.032;
const hopSeconds = 0.0125;
const lowestHz = 50;
const mostBands = 32;
/**
 * What counts as silence, whose logarithm says nothing that can be heard: in each band so far below the data's mean power in this
 * band, and in bands where the data has next to nothing, so far below its mean power in all.
 */
const floorDb = { ofBand: -40, ofAll: -60 };

export interface LogMelOptions {
  readonly sampleRate: number;
  /** The data's mean power spectrum, (N/2 + 1) as `powerSpectrum` gives it. */
  readonly spectrum: Float64Array;
}

export interface LogMel {
  readonly frames: number;
  readonly bands: number;
  readonly values: Float64Array; // (frames, bands): natural logarithms
}

/**
 * Log-mel frames: Hann frames of about 32 ms, 12.5 ms apart; their power in up to 32 triangular bands, equally wide in mel (HTK) from
 * 50 Hz to half the sample rate; ln(power density + floor), the floor 40 dB below the data's mean in the band plus 60 dB below its mean in
 * all. A band is the mean of its bins, on the scale on which white noise of variance 1 is 1. At rates so low that 32 bands would have
 * fewer than four bins each, there are as many as have.
 */
export class LogMelFrames {
  /** Samples of a frame, and from one to the next. */
  readonly size: number;
  readonly hop: number;
  readonly bands: number;
  readonly framesPerSecond: number;
  readonly #filters: readonly MelBand[];
  readonly #floors: Float64Array; // (bands)

  constructor({ sampleRate, spectrum }: LogMelOptions) {
    this.size = Math.max(16, 2 ** Math.round(Math.log2(frameSeconds * sampleRate)));
    this.hop = Math.max(1, Math.round(hopSeconds * sampleRate));
    this.bands = Math.max(2, Math.min(mostBands, Math.floor(this.size / 8)));
    this.framesPerSecond = sampleRate / this.hop;
    const fromHz = Math.min(lowestHz, sampleRate / 8);
    this.#filters = melBands({ sampleRate, size: this.size, bands: this.bands, fromHz, norm: 'mean' });
    const density = (bin: number): number => interpolated(spectrum, (bin / (this.size / 2)) * (spectrum.length - 1));
    // Data of silence alone must not have a floor of 0, whose logarithm is −∞.
    const ofAll = Math.max(1e-12, meanOverFrequency(spectrum.length, (bin) => spectrum[bin]!)) * 10 ** (floorDb.ofAll / 10);
    this.#floors = Float64Array.from(this.#filters, ({ first, weights }) =>
      ofAll + 10 ** (floorDb.ofBand / 10) * weights.reduce((sum, weight, i) => sum + weight * density(first + i), 0));
  }

  /** Samples that so many frames cover. */
  samplesOf(frames: number): number {
    return (frames - 1) * this.hop + this.size;
  }

  /** The frames of a sound (L). */
  of(samples: Float32Array): LogMel {
    const { frames, bins, power } = stft(samples, { size: this.size, hop: this.hop });
    const density = this.size / 6; // see `powerSpectrum`
    const values = new Float64Array(frames * this.bands);
    for (let frame = 0; frame < frames; frame++) {
      this.#filters.forEach(({ first, weights }, band) => {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i]! * power[frame * bins + first + i]!;
        values[frame * this.bands + band] = Math.log(sum * density + this.#floors[band]!);
      });
    }
    return { frames, bands: this.bands, values };
  }
}

/** The value at a position between two entries, on the straight line between them. */
export function interpolated(values: ArrayLike<number>, position: number): number {
  const below = Math.max(0, Math.min(values.length - 2, Math.floor(position)));
  return values[below]! + (position - below) * (values[below + 1]! - values[below]!);
}
