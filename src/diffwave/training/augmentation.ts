/** Changes to a crop that music does not mind: a function of (seed, step, item), so that a resumed run makes the same. */
import { uniform } from '../../random.ts';
import { streams } from '../streams.ts';

export interface AugmentOptions {
  readonly seed: number;
  readonly step: number; // training step
  readonly item: number; // of the batch
  readonly polarityFlip?: boolean; // turn every other crop upside down
  readonly gainDb?: number; // dB, by which a crop becomes louder or quieter at most
}

/**
 * Flips the polarity of `crop` (L) with probability ½ and multiplies it by a gain that is uniform in decibels, in place
 * (as Uhlich et al. 2017, "Improving music source separation based on deep neural networks through data augmentation and
 * network blending", and Défossez et al. 2019, "Music source separation in the waveform domain"). No crop is made louder
 * than full scale. Returns the factor.
 */
export function augment(crop: Float32Array, { polarityFlip = false, gainDb = 0, ...place }: AugmentOptions): number {
  if (!polarityFlip && gainDb === 0) return 1;
  const draw = (index: number): number => uniform({ ...place, stream: streams.augmentation, index });
  const sign = polarityFlip && draw(0) < 0.5 ? -1 : 1;
  const gain = 10 ** ((gainDb * (2 * draw(1) - 1)) / 20);
  const peak = crop.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const factor = sign * Math.min(gain, Math.max(1, 1 / peak));
  crop.forEach((value, i) => (crop[i] = factor * value));
  return factor;
}
