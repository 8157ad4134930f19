/** Clips: what training, validation and spectra need of a data set, wherever it comes from. */
import { UserError } from '../../errors.ts';

/** What training needs of a data set; `dataset/dataset.ts` has it. */
export interface ClipSource {
  readonly clipCount: number;
  /** Samples of every clip. */
  readonly clipSamples: number;
  /**
   * Clip i, clipSamples values. Full scale is ±1, and some may be beyond it: a filter that meets a clipped recording overshoots, by
   * 1.19 in music. They are trained on as they are.
   */
  clip(i: number): Float32Array;
  /** Class of clip i among those of the network that is told of it; left out where nobody knows. */
  label?(i: number): number;
}

/** The clips of these indices, in their order. */
export function subset(clips: ClipSource, indices: readonly number[]): ClipSource {
  return {
    clipCount: indices.length, clipSamples: clips.clipSamples, clip: (i) => clips.clip(indices[i]!),
    ...(clips.label && { label: (i: number) => clips.label!(indices[i]!) }),
  };
}

/** Clip i. Throws a `UserError` if it has a value that is not a number. */
export function checkedClip(clips: ClipSource, i: number): Float32Array<ArrayBuffer> {
  const clip = new Float32Array(clips.clip(i));
  if (!clip.every(Number.isFinite)) {
    throw new UserError(`clip ${i} of the data set has a value that is not a number: prepare the data set again`);
  }
  return clip;
}

/** Where a crop of L samples begins in a clip: a multiple of `alignment`, all places alike for a number that is uniform in [0, 1). */
export function cropStart(random: number, { clipSamples, L, alignment = 1 }: { clipSamples: number; L: number; alignment?: number }): number {
  return Math.floor(random * (Math.floor((clipSamples - L) / alignment) + 1)) * alignment;
}
