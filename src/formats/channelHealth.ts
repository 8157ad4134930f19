/** What can be seen of a recording only before its channels are mixed. */

export interface ChannelHealth {
  readonly clippedShare: number; // of the samples of all channels, 0 … 1
  /** Mean correlation of the channels with each other, −1/(channels − 1) … 1; 1 for mono and for silence. */
  readonly correlation: number;
  readonly mixLossDb: number; // power lost by mixing, against channels that are the same: 0 for mono, 3 for independent stereo
}

const LEAST_RUN = 3; // samples: one at an extreme is a peak, two may be
const LEAST_LEVEL = 0.1; // of full scale: below it the steps of few bits look like clipping
const CORNER = 0.002; // of the extreme: the crest of a slow wave, rounded to 16 bits, is flat as well, but has no corner

/**
 * Share of samples in runs of three and more at the same extreme, and what mixing costs.
 *
 * @param frames (frames·channels), frame after frame; beyond ±`scale` they count as at it
 * @param powers Σx² of each channel, and `mixPower` Σ(sum over channels)²
 */
export function channelHealth(
  frames: Float64Array | Float32Array, { channels, scale, powers, mixPower }: { channels: number; scale: number; powers: Float64Array; mixPower: number },
): ChannelHealth {
  let clipped = 0;
  for (let channel = 0; channel < channels; channel++) clipped += clippedSamples(frames, channel, channels, scale);
  const all = powers.reduce((sum, power) => sum + power, 0);
  const clippedShare = frames.length === 0 ? 0 : clipped / frames.length;
  if (channels === 1 || !(all > 0)) return { clippedShare, correlation: 1, mixLossDb: 0 };
  const share = mixPower / all;
  return { clippedShare, correlation: (share - 1) / (channels - 1), mixLossDb: Math.min(99, -10 * Math.log10(share / channels)) };
}

function clippedSamples(frames: Float64Array | Float32Array, channel: number, stride: number, scale: number): number {
  let [high, low] = [0, 0];
  for (let i = channel; i < frames.length; i += stride) {
    const value = frames[i]!;
    if (value > high) high = value;
    else if (value < low) low = value;
  }
  [high, low] = [Math.min(high, scale), Math.max(low, -scale)];
  const least = LEAST_LEVEL * scale;
  if (high < least && -low < least) return 0;
  const at = (i: number): number => Math.max(-scale, Math.min(scale, frames[i]!));
  let clipped = 0;
  for (let i = channel; i < frames.length; i += stride) {
    if (!(frames[i]! >= high) && !(frames[i]! <= low)) continue;
    const value = at(i);
    if (Math.abs(value) < least) continue;
    let end = i + stride;
    while (end < frames.length && at(end) === value) end += stride;
    const run = (end - i) / stride;
    const isCorner = (j: number): boolean => j >= 0 && j < frames.length && Math.abs(at(j) - value) > CORNER * Math.abs(value);
    if (run >= LEAST_RUN && (isCorner(i - stride) || isCorner(end))) clipped += run;
    i = end - stride;
  }
  return clipped;
}
