/** Which tracks are one recording: candidates by landmarks, verdict by the normalised cross-correlation of their samples. */
import type { Landmarks } from '../audio/landmarks.ts';
import { LANDMARK_KEYS } from '../audio/landmarks.ts';
import { median } from '../statistics.ts';

export interface Duplicate {
  readonly track: number; // the later one
  readonly of: number;
  readonly offsetSeconds: number; // the later one's beginning lies so far behind the beginning of the other
  readonly gainDb: number; // by which the later one is louder
  readonly correlation: number; // median over the overlap; 1 for the same waveform
}

/** What is known of a track before its samples are looked at. */
export interface Fingerprint extends Landmarks {
  readonly digest: string; // of its samples: tracks of one digest are the same, however short
}

/** Reads the samples of a track. */
export type TrackReader = (track: number) => Float32Array;

const LEAST_VOTES = 6; // pairs of peaks that agree on an offset
const CANDIDATES = 4; // of each track that are compared sample by sample
const LEAST_SECONDS = 3; // of overlap: less may be a shared sample
const LEAST_CORRELATION = 0.7; // two pieces that share a drum loop are at its share of the amplitude, and not throughout
const WINDOWS = 9;
const WINDOW_SECONDS = 0.5;
const LOUDEST_FALL = 1e-4; // windows so much weaker in power than the loudest are silence, which says nothing

/**
 * Finds for every track the earlier one whose recording it shares, if any. Tracks are never compared with themselves: music may
 * repeat itself. An overlap below three seconds is not looked at, unless the tracks are the same to the bit.
 *
 * @param found landmarks of the tracks; about 10 bytes for each are held while it works
 * @param read called for two tracks at a time, where landmarks agree
 */
export function findDuplicates(found: readonly Fingerprint[], { read, sampleRate }: { read: TrackReader; sampleRate: number }): Duplicate[] {
  const index = indexOf(found);
  const duplicates: Duplicate[] = [];
  const votes = new Uint32Array(found.length);
  const firstOf = new Map<string, number>();
  found.forEach((own, track) => {
    const same = firstOf.get(own.digest);
    if (same !== undefined) return void duplicates.push({ track, of: same, offsetSeconds: 0, gainDb: 0, correlation: 1 });
    firstOf.set(own.digest, track);
    votes.fill(0, 0, track);
    for (const key of own.keys) {
      for (let i = index.starts[key]!; i < index.starts[key + 1]! && index.tracks[i]! < track; i++) votes[index.tracks[i]!]!++;
    }
    const candidates: number[] = [];
    for (let other = 0; other < track; other++) if (votes[other]! >= LEAST_VOTES) candidates.push(other);
    candidates.sort((a, b) => votes[b]! - votes[a]! || a - b);
    for (const other of candidates.slice(0, CANDIDATES)) {
      const offset = commonOffset(found[other]!, own);
      const match = offset === undefined ? undefined : compare(read(other), read(track), { offset, reach: 2 * own.hop, sampleRate });
      if (match) return void duplicates.push({ track, of: other, ...match });
    }
  });
  return duplicates;
}

/** Tracks by key, in rising order: those of key k are `tracks[starts[k]] … tracks[starts[k + 1] − 1]`. */
function indexOf(found: readonly Landmarks[]): { starts: Uint32Array; tracks: Uint32Array } {
  const starts = new Uint32Array(LANDMARK_KEYS + 2);
  for (const { keys } of found) for (const key of keys) starts[key + 2]!++;
  for (let key = 2; key < starts.length; key++) starts[key]! += starts[key - 1]!;
  const tracks = new Uint32Array(starts[starts.length - 1]!);
  found.forEach(({ keys }, track) => keys.forEach((key) => (tracks[starts[key + 1]!++] = track)));
  return { starts, tracks };
}

/** The offset in samples on which most landmarks of two tracks agree; none where too few do. */
function commonOffset(a: Landmarks, b: Landmarks): number | undefined {
  const where = new Map<number, number[]>();
  a.keys.forEach((key, i) => void (where.get(key)?.push(a.frames[i]!) ?? where.set(key, [a.frames[i]!])));
  const votes = new Map<number, number>();
  b.keys.forEach((key, i) => where.get(key)?.forEach((frame) => votes.set(frame - b.frames[i]!, (votes.get(frame - b.frames[i]!) ?? 0) + 1)));
  let best: number | undefined;
  let most = LEAST_VOTES - 1;
  for (const [shift, count] of votes) {
    const near = count + Math.max(votes.get(shift - 1) ?? 0, votes.get(shift + 1) ?? 0); // between two frames they share the votes
    if (near > most) [best, most] = [shift, near];
  }
  return best === undefined ? undefined : best * a.hop;
}

/**
 * Compares b[n] with a[n + lag] in windows spread over their overlap, at the lag within `reach` of `offset` where the loudest window
 * agrees best. Undefined where they are not the same recording.
 */
export function compare(
  a: Float32Array, b: Float32Array, { offset, reach, sampleRate }: { offset: number; reach: number; sampleRate: number },
): Omit<Duplicate, 'track' | 'of'> | undefined {
  const start = Math.max(0, -offset) + reach;
  const end = Math.min(b.length, a.length - offset) - reach;
  if (end - start < LEAST_SECONDS * sampleRate) return undefined;
  const length = Math.round(WINDOW_SECONDS * sampleRate);
  const windows = Array.from({ length: WINDOWS }, (_, i) => Math.round(start + ((end - start - length) * i) / (WINDOWS - 1)))
    .map((at) => ({ at, power: dot(b, at, b, at, length) }));
  const loudest = windows.reduce((best, window) => (window.power > best.power ? window : best));
  if (loudest.power === 0) return undefined;
  let lag = offset;
  let best = 0;
  for (let at = offset - reach; at <= offset + reach; at++) {
    const value = Math.abs(correlationAt(a, b, { at: loudest.at, lag: at, length }));
    if (value > best) [lag, best] = [at, value];
  }
  const heard = windows.filter(({ power }) => power > loudest.power * LOUDEST_FALL);
  const correlations = heard.map(({ at }) => interpolatedPeak([-1, 0, 1].map((step) => Math.abs(correlationAt(a, b, { at, lag: lag + step, length })))));
  const correlation = median(correlations);
  if (correlation < LEAST_CORRELATION || heard.length < WINDOWS / 2) return undefined;
  const gains = heard.map(({ at, power }) => 10 * Math.log10(power / dot(a, at + lag, a, at + lag, length))).filter(Number.isFinite);
  return { offsetSeconds: lag / sampleRate, gainDb: gains.length > 0 ? median(gains) : 0, correlation: Math.min(1, correlation) };
}

/** Σ a·b / √(Σ a²·Σ b²) of `length` samples, b's from `at` and a's from `at + lag`; 0 where one is silent. */
function correlationAt(a: Float32Array, b: Float32Array, { at, lag, length }: { at: number; lag: number; length: number }): number {
  const scale = Math.sqrt(dot(a, at + lag, a, at + lag, length) * dot(b, at, b, at, length));
  return scale === 0 ? 0 : dot(a, at + lag, b, at, length) / scale;
}

function dot(a: Float32Array, fromA: number, b: Float32Array, fromB: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[fromA + i]! * b[fromB + i]!;
  return sum;
}

/** Height of the parabola through three values around a maximum: copies are seldom shifted by whole samples. */
function interpolatedPeak([before, at, after]: number[]): number {
  const curvature = before! - 2 * at! + after!;
  return at! >= before! && at! >= after! && curvature < 0 ? at! - (after! - before!) ** 2 / (8 * curvature) : at!;
}
