/** Which tracks are kept back for validation: a function of the seed. */
import { UserError } from '../../errors.ts';
import { uniform } from '../../random.ts';
import type { ClipSource } from './clips.ts';
import { subset } from './clips.ts';
import { streams } from '../streams.ts';

/** A data set that knows which clips were cut from the same track. */
export interface TrackedClips extends ClipSource {
  readonly trackCount: number;
  readonly manifest: {
    readonly clips: readonly { readonly track: number; readonly file: string }[];
    /** For every track the first one of the same recording, where there are duplicates. */
    readonly sameAs?: readonly number[];
  };
}

export interface Split {
  readonly training: ClipSource;
  /** Clips of tracks that training never sees; undefined where there is no validation. */
  readonly validation?: ClipSource;
  /** Number of tracks kept back, and their files. */
  readonly tracks: number;
  readonly files: readonly string[];
  /** Why there is no validation although nobody switched it off. */
  readonly note?: string;
}

/** Share of the tracks that is kept back unless the user says how many. */
const usualShare = 0.1;

/**
 * Keeps `tracks` whole tracks back: crops of one recording are so alike that a split by crop would measure memory.
 * Without a number about a tenth, at least one; none where that would leave fewer than `leastClips` to train on.
 * Duplicates stay together: the last track that is chosen may bring others with it, and a recording that is all there is stays whole;
 * not without `copiesTogether`, as runs were split that were begun before copies were looked for.
 * Throws a `UserError` if more is asked for than can be spared.
 */
export function splitByTrack(
  clips: TrackedClips, options: { tracks?: number; seed: number; leastClips: number; copiesTogether?: boolean },
): Split {
  const { seed, leastClips, copiesTogether = true } = options;
  const whole = (note?: string): Split => ({ training: clips, tracks: 0, files: [], note });
  if (options.tracks === 0) return whole();
  const { trackCount, manifest } = clips;
  const tracks = options.tracks ?? Math.max(1, Math.round(trackCount * usualShare));
  if (options.tracks === undefined && trackCount < 2) return whole('no validation: there is one track only');
  if (tracks >= trackCount) {
    throw new UserError(`\`validationTracks\` ${tracks} leaves nothing to train on: the data set has ${trackCount} tracks`);
  }
  const kept = choose({ count: trackCount, chosen: tracks, seed, sameAs: copiesTogether ? manifest.sameAs : undefined });
  if (kept.size === 0) return whole('no validation: all tracks are copies of one another');
  const indices = manifest.clips.map((_, i) => i);
  const training = indices.filter((i) => !kept.has(manifest.clips[i]!.track));
  if (options.tracks === undefined && training.length < leastClips) {
    return whole(`no validation: without a track there would be ${training.length} clips, fewer than a batch of ${leastClips}`);
  }
  const validation = indices.filter((i) => kept.has(manifest.clips[i]!.track));
  return {
    training: subset(clips, training),
    validation: subset(clips, validation),
    tracks: kept.size,
    files: [...new Set(validation.map((i) => manifest.clips[i]!.file))],
  };
}

/** Numbers below `count`, drawn without putting back: those with the smallest random keys. */
function choose({ count, chosen, seed, sameAs }: { count: number; chosen: number; seed: number; sameAs?: readonly number[] }): Set<number> {
  const key = (item: number): number => uniform({ seed, stream: streams.validationTracks, step: 0, item, index: 0 });
  const ranked = Array.from({ length: count }, (_, track) => ({ track, key: key(track) })).sort((a, b) => a.key - b.key || a.track - b.track);
  const kept = new Set<number>();
  for (const { track } of ranked) {
    if (kept.size >= chosen) break;
    const copies = sameAs ? ranked.filter((other) => sameAs[other.track] === sameAs[track]) : [{ track }];
    if (kept.has(track) || kept.size + copies.length >= count) continue;
    for (const copy of copies) kept.add(copy.track);
  }
  return kept;
}
