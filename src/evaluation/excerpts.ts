/** A few short excerpts of a data set that are easily told apart: what a network is overfitted to. */
import { rootMeanSquare } from '../audio/level.ts';
import { UserError } from '../errors.ts';
import type { Levels } from './likeness.ts';
import { levelsOf, likeness, liveliness } from './likeness.ts';

/** A data set that knows where its clips come from; `dataset/dataset.ts` has it. */
export interface ExcerptSource {
  readonly clipCount: number;
  readonly clipSamples: number;
  readonly trackCount: number;
  readonly sampleRate: number; // Hz
  clip(i: number): Float32Array;
  readonly manifest: { readonly clips: readonly { readonly track: number; readonly file: string; readonly offsetSeconds: number }[] };
}

/** A stretch of a clip. */
export interface Excerpt {
  readonly audio: Float32Array<ArrayBuffer>; // (L), as it is in the data set
  readonly rms: number; // its level; full scale is 1
  readonly file: string; // which it comes from
  readonly offsetSeconds: number; // of its first sample from the beginning of the file
}

/** Quieter stretches are not chosen: −50 dB. */
const LEAST_RMS = 0.003;
/** At most so many places of a track are looked at. */
const MOST_PLACES = 64;

/**
 * Chooses `count` excerpts of `samples` samples: from as many tracks as there are, which lie evenly among all; of each the place
 * that changes most (`liveliness`) and is least like what was chosen before. A function of its arguments alone.
 *
 * @throws UserError where clips are shorter than an excerpt, or there are too few places that are not silent
 */
export function chooseExcerpts(clips: ExcerptSource, { count, samples }: { count: number; samples: number }): Excerpt[] {
  if (clips.clipSamples < samples) {
    throw new UserError(`excerpts of ${samples} samples were asked for, but a clip of the data set has ${clips.clipSamples}: use smaller \`clipSamples\``);
  }
  const tracks = Math.min(count, clips.trackCount);
  const chosen: (Excerpt & { readonly levels: Levels })[] = [];
  for (let i = 0; i < count; i++) {
    const track = Math.floor((i % tracks) * (clips.trackCount / tracks));
    let best: (typeof chosen)[number] | undefined;
    let bestScore = -Infinity;
    for (const place of placesOf(clips, { track, samples })) {
      const audio = clips.clip(place.clip).slice(place.start, place.start + samples);
      const rms = rootMeanSquare(audio);
      // What overlaps with an excerpt that was chosen is not another one.
      const offsetSeconds = clips.manifest.clips[place.clip]!.offsetSeconds + place.start / clips.sampleRate;
      const { file } = clips.manifest.clips[place.clip]!;
      const overlaps = chosen.some((other) => other.file === file && Math.abs(other.offsetSeconds - offsetSeconds) < samples / clips.sampleRate);
      if (!(rms >= LEAST_RMS) || overlaps) continue;
      const levels = levelsOf(audio, clips.sampleRate);
      const closest = Math.max(0, ...chosen.map((other) => likeness(levels, other.levels).value));
      const score = liveliness(levels) * (1 - closest);
      if (score > bestScore) [best, bestScore] = [{ audio, rms, file, offsetSeconds, levels }, score];
    }
    if (!best) {
      throw new UserError(`the data set has not ${count} excerpts of ${samples} samples that are not silent and do not overlap: add music`);
    }
    chosen.push(best);
  }
  return chosen.map(({ levels: _, ...excerpt }) => excerpt);
}

/** Where excerpts of a track may begin: half an excerpt apart, or further where that would be too many. */
function placesOf(clips: ExcerptSource, { track, samples }: { track: number; samples: number }): { clip: number; start: number }[] {
  const places = clips.manifest.clips.flatMap(({ track: own }, clip) => {
    const starts = own === track ? Math.floor((2 * (clips.clipSamples - samples)) / samples) + 1 : 0;
    return Array.from({ length: starts }, (_, i) => ({ clip, start: Math.floor((i * samples) / 2) }));
  });
  const every = Math.max(1, Math.ceil(places.length / MOST_PLACES));
  return places.filter((_, i) => i % every === 0);
}
