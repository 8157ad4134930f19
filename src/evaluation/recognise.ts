/** Which of a few known clips a sound is, if any: whether a network that was trained on these clips has learned them. */
import { UserError } from '../errors.ts';
import { frameSize, levelsOf, likeness, liveliness } from './likeness.ts';

/** Correlation with a clip from which a sound may count as that clip: half of the variance is shared. */
export const LEAST_LIKENESS = 0.7;

/** The correlation must be above that with every other clip by this: an even mixture of two clips is neither. */
export const LEAST_MARGIN = 0.25;

/** Lengths of a frame that a clip must have: with less there is nothing that changes. */
const LEAST_FRAMES = 4;
const LEAST_LIVELINESS = 1; // dB

/** Samples that a clip must have to be recognised: 0.14 s. */
export function leastClipSamples(sampleRate: number): number {
  return LEAST_FRAMES * frameSize(sampleRate);
}

/** What a sound is. */
export interface Recognition {
  /** Correlation with each clip (see `likeness`), from −1 to 1. */
  readonly likeness: readonly number[];
  /** The clip that it is most like, counted from 0. */
  readonly clip: number;
  readonly best: number; // the correlation with it
  readonly bestWrong: number; // the largest correlation with another clip
  readonly lag: number; // seconds by which the sound is late against that clip
  /** `best` is at least `LEAST_LIKENESS`, and at least `LEAST_MARGIN` above `bestWrong`. */
  readonly isRecognised: boolean;
}

/**
 * Prepares the recognition of `clips`, two at least, of equal length. The function that is returned says which of them a sound of that
 * length is. Where two of the clips are alike themselves, nothing can be told apart: their own likeness must leave room for the margin.
 *
 * @param clips (L) each, at `sampleRate` in Hz
 * @throws RangeError where there is one clip only, lengths differ, or a sample is not a number
 * @throws UserError where clips are too short, stationary, or too alike to be told apart
 */
export function recogniser(clips: readonly Float32Array[], { sampleRate }: { sampleRate: number }): (sound: Float32Array) => Recognition {
  if (clips.length < 2) throw new RangeError(`recogniser: two clips are needed at least, got ${clips.length}`);
  const L = clips[0]!.length;
  const least = leastClipSamples(sampleRate);
  if (L < least) throw new UserError(`clips of ${L} samples are too short to be recognised: \`clipSamples\` must be at least ${least} at ${sampleRate} Hz`);
  const known = clips.map((clip, i) => {
    if (clip.length !== L) throw new RangeError(`recogniser: clip 0 has ${L} samples, but clip ${i} has ${clip.length}`);
    return levelsOf(clip, sampleRate);
  });
  known.forEach((levels, i) => {
    if (liveliness(levels) < LEAST_LIVELINESS) throw new UserError(`clip ${i + 1} of those to be recognised is silent, or never changes: choose another`);
    known.slice(0, i).forEach((other, j) => {
      const { value } = likeness(levels, other);
      if (value > 1 - LEAST_MARGIN) throw new UserError(`clips ${j + 1} and ${i + 1} of those to be recognised are alike (correlation ${value.toFixed(2)}): choose others`);
    });
  });
  return (sound) => {
    if (sound.length !== L) throw new RangeError(`recogniser: clips have ${L} samples, but the sound has ${sound.length}`);
    const levels = levelsOf(sound, sampleRate);
    const found = known.map((clip) => likeness(levels, clip));
    const values = found.map(({ value }) => value);
    const best = Math.max(...values);
    const clip = values.indexOf(best);
    const bestWrong = Math.max(...values.filter((_, i) => i !== clip));
    const isRecognised = best >= LEAST_LIKENESS && best - bestWrong >= LEAST_MARGIN;
    return { likeness: values, clip, best, bestWrong, lag: found[clip]!.lag, isRecognised };
  };
}
