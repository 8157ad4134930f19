/**
 * How alike two short sounds are in what changes: spectrograms in decibels, from which every frequency's own mean over time has
 * been taken away. What remains of a stationary noise is chance, whatever its spectrum: a network that has learned a spectrum and
 * nothing else is like nothing here. Level and polarity do not matter.
 */
import { stft } from '../audio/spectrogram.ts';

/** A frame lasts about this long: a note is longer, and an onset is placed to a fraction of it. */
const FRAME_SECONDS = 0.035;
const HOPS = 8; // of a frame's size
/** What is further below the loudest cell of a spectrogram is raised to this: there a sample has hiss of its own. */
const RANGE_DB = 40;

/** A sound's levels in decibels, (frames, bins). */
export interface Levels {
  readonly frames: number;
  readonly bins: number;
  readonly db: Float64Array;
  readonly hopSeconds: number;
}

/** Correlation of two sounds, and where it is largest. */
export interface Likeness {
  readonly value: number; // from −1 to 1
  readonly lag: number; // seconds by which the first sound is late
}

/** Samples of a frame: the power of two that is nearest to 35 ms. */
export function frameSize(sampleRate: number): number {
  return 2 ** Math.max(4, Math.round(Math.log2(FRAME_SECONDS * sampleRate)));
}

/**
 * Levels of a sound for `likeness` and `liveliness`.
 *
 * @param sound (L), at least one sample
 * @param sampleRate in Hz
 * @throws RangeError when there are no samples, or one is not finite
 */
export function levelsOf(sound: Float32Array, sampleRate: number): Levels {
  const size = frameSize(sampleRate);
  const hop = size / HOPS;
  const { frames, bins, power } = stft(sound, { size, hop });
  const loudest = power.reduce((most, value) => Math.max(most, value), 0);
  const floor = Math.max(loudest * 10 ** (-RANGE_DB / 10), Number.MIN_VALUE);
  return { frames, bins, db: power.map((value) => 10 * Math.log10(Math.max(value, floor))), hopSeconds: hop / sampleRate };
}

/**
 * Pearson's correlation over frames and frequencies of what changes in two sounds, at the best of the alignments within a frame
 * (35 ms) either way in steps of an eighth of that. 0 where one of them never changes.
 *
 * @throws RangeError when their numbers of frames or bins differ
 */
export function likeness(a: Levels, b: Levels): Likeness {
  if (a.frames !== b.frames || a.bins !== b.bins) {
    throw new RangeError(`likeness: ${a.frames} × ${a.bins} levels cannot be compared with ${b.frames} × ${b.bins}`);
  }
  const most = Math.min(HOPS, a.frames - 1);
  let best = { value: -Infinity, shift: 0 };
  for (let i = 0; i <= 2 * most; i++) {
    const shift = i % 2 === 0 ? -i / 2 : (i + 1) / 2; // 0, 1, −1, 2, …: of equals the smallest
    const { ab, aa, bb, cells } = moments(a, b, shift);
    // Rounding leaves something of what is constant.
    const value = Math.min(aa, bb) < 1e-6 * cells ? 0 : ab / Math.sqrt(aa * bb);
    if (value > best.value) best = { value, shift };
  }
  return { value: best.value, lag: best.shift * a.hopSeconds };
}

/** How much there is that changes, in decibels: the root mean square deviation of a sound's levels from each frequency's own mean. */
export function liveliness(levels: Levels): number {
  const { aa, cells } = moments(levels, levels, 0);
  return Math.sqrt(Math.max(0, aa) / cells);
}

/**
 * Sums of the products of deviations from each bin's mean, over the frames that two sounds share when the first is late by `shift`
 * frames.
 */
function moments(a: Levels, b: Levels, shift: number): { ab: number; aa: number; bb: number; cells: number } {
  const { bins } = a;
  const shared = a.frames - Math.abs(shift);
  const [aStart, bStart] = [Math.max(0, shift) * bins, Math.max(0, -shift) * bins];
  const sums = { ab: 0, aa: 0, bb: 0, cells: shared * bins };
  for (let k = 0; k < bins; k++) {
    let [aSum, bSum] = [0, 0];
    for (let at = k; at < shared * bins; at += bins) {
      aSum += a.db[aStart + at]!;
      bSum += b.db[bStart + at]!;
    }
    const [aMean, bMean] = [aSum / shared, bSum / shared];
    for (let at = k; at < shared * bins; at += bins) {
      const x = a.db[aStart + at]! - aMean;
      const y = b.db[bStart + at]! - bMean;
      sums.ab += x * y;
      sums.aa += x * x;
      sums.bb += y * y;
    }
  }
  return sums;
}
