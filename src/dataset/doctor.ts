/** What is wrong with recordings, or unlike the others of their set. Nothing is changed here, and nothing is left out. */
import type { Landmarks } from '../audio/landmarks.ts';
import { landmarks } from '../audio/landmarks.ts';
import { escaped } from '../formats/describe.ts';
import type { ChannelHealth } from '../formats/channelHealth.ts';
import type { Duplicate } from './duplicates.ts';
import { median } from '../statistics.ts';

export type FindingKind = 'duplicate' | 'clipping' | 'silence' | 'DC offset' | 'mono mix' | 'level' | 'bandwidth' | 'known damage';

export interface Finding {
  readonly kind: FindingKind;
  readonly file: string; // as in `ClipEntry`
  readonly detail: string;
  /** Whether the track was left out because of it. */
  readonly leftOut?: boolean;
}

/** What is measured of one track. */
export interface TrackHealth {
  readonly file: string;
  readonly landmarks: Landmarks;
  readonly channels: ChannelHealth;
  readonly silentShare: number;
  readonly mean: number;
  readonly rmsDb: number; // of full scale, without the mean
  readonly bandwidth: number; // Hz below which all but a millionth of the power lies
}

const SILENT_BLOCK = 0.1; // seconds
const limits = { clipped: 0.001, silent: 0.2, mean: 0.01, correlation: 0, bandwidth: 0.6 };
const LEAST_TRACKS = 8; // fewer have no "rest" to differ from
const OUTLIER = 4; // standard deviations, told from the median absolute deviation (a normal one is 1.4826 of it)
const LEAST_DEVIATION_DB = 3; // sets of one level must not make outliers of nothing
const shown = 3;

/** What was done about each kind. */
const done: Record<FindingKind, string> = {
  duplicate: 'kept; validation and training never share them',
  clipping: 'used as it is',
  silence: 'used as it is',
  'DC offset': 'used as it is',
  'mono mix': 'mixed all the same, unless a warning says that one channel was taken',
  level: 'used as it is',
  bandwidth: 'used as it is',
  'known damage': 'used as far as it can be read',
};

const doneWith = (those: readonly Finding[]): string => (those.every(({ leftOut }) => leftOut) ? 'left out, each but the first of its copies' : done[those[0]!.kind]);

/** GTZAN's one file that is no WAV (GTZAN's faults: Sturm 2013, arXiv:1306.1461). */
export const isKnownDamaged = (file: string): boolean => /(^|\/)jazz\.00054\.wav$/i.test(file);

/**
 * Measures one prepared track.
 *
 * @param samples (L) mono, at `sampleRate` in Hz; may be empty
 * @param silence peak below which a tenth of a second is silent
 */
export function examine(
  samples: Float32Array, { file, sampleRate, channels, silence }: { file: string; sampleRate: number; channels: ChannelHealth; silence: number },
): TrackHealth {
  const block = Math.max(1, Math.round(SILENT_BLOCK * sampleRate));
  let [sum, squares, silent, blocks] = [0, 0, 0, 0];
  for (let from = 0; from < samples.length; from += block, blocks++) {
    let peak = 0;
    for (let i = from; i < Math.min(from + block, samples.length); i++) {
      const value = samples[i]!;
      sum += value;
      squares += value * value;
      peak = Math.max(peak, Math.abs(value));
    }
    if (peak < silence) silent++;
  }
  const count = Math.max(1, samples.length);
  const mean = sum / count;
  const found = landmarks(samples, sampleRate);
  return {
    file, channels, mean, landmarks: found,
    silentShare: blocks === 0 ? 1 : silent / blocks,
    rmsDb: 10 * Math.log10(Math.max(1e-12, squares / count - mean * mean)),
    bandwidth: bandwidthOf(found.power, sampleRate),
  };
}

/** The mean does not count: an offset has power, but no band. */
function bandwidthOf(power: Float64Array, sampleRate: number): number {
  const first = 2; // a Hann window spreads the mean over two bins
  let total = 0;
  for (let k = first; k < power.length; k++) total += power[k]!;
  let above = 0;
  let bin = power.length - 1;
  while (bin > first && above + power[bin]! <= 1e-6 * total) above += power[bin--]!;
  return (bin * sampleRate) / (2 * (power.length - 1));
}

/** What a duplicate repeats, and how: the rest of a sentence that begins with its file. */
export function repeats({ of, offsetSeconds, gainDb, correlation }: Duplicate, tracks: readonly Pick<TrackHealth, 'file'>[]): string {
  const how = correlation === 1 && offsetSeconds === 0 && gainDb === 0
    ? 'the same samples'
    : `from ${offsetSeconds.toFixed(2)} s, ${gainDb.toFixed(1)} dB, correlation ${correlation.toFixed(3)}`;
  return `repeats ${tracks[of]!.file} (${how})`;
}

/** All that is to be said about the tracks, by kind and then by track. With `drop` the duplicates are no part of the set any more. */
export function findingsOf(all: readonly TrackHealth[], duplicates: readonly Duplicate[], { drop = false } = {}): Finding[] {
  const findings: Finding[] = [];
  const add = (kind: FindingKind, { file }: { file: string }, detail: string): void => void findings.push({ kind, file, detail });
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  for (const duplicate of duplicates) {
    findings.push({ kind: 'duplicate', file: all[duplicate.track]!.file, detail: repeats(duplicate, all), ...(drop && { leftOut: true }) });
  }
  const dropped = new Set(drop ? duplicates.map(({ track }) => track) : []);
  const tracks = all.filter((_, track) => !dropped.has(track));
  for (const track of tracks) {
    if (isKnownDamaged(track.file)) add('known damage', track, "is GTZAN's damaged file by its name, but could be read");
    const { clippedShare, correlation, mixLossDb } = track.channels;
    if (clippedShare > limits.clipped) add('clipping', track, `${percent(clippedShare)} of the samples`);
    if (track.silentShare > limits.silent) add('silence', track, `${percent(track.silentShare)} of the time`);
    if (Math.abs(track.mean) > limits.mean) add('DC offset', track, track.mean.toFixed(3));
    if (correlation < limits.correlation) add('mono mix', track, `loses ${mixLossDb.toFixed(1)} dB, correlation ${correlation.toFixed(2)}`);
  }
  if (tracks.length >= LEAST_TRACKS) {
    const level = median(tracks.map(({ rmsDb }) => rmsDb));
    const spread = Math.max(LEAST_DEVIATION_DB, 1.4826 * median(tracks.map(({ rmsDb }) => Math.abs(rmsDb - level))));
    const band = median(tracks.map(({ bandwidth }) => bandwidth));
    for (const track of tracks) {
      const { rmsDb, bandwidth } = track;
      if (Math.abs(rmsDb - level) > OUTLIER * spread) add('level', track, `${rmsDb.toFixed(1)} dBFS, the median is ${level.toFixed(1)}`);
      if (bandwidth < limits.bandwidth * band) add('bandwidth', track, `${bandwidth.toFixed(0)} Hz, the median is ${band.toFixed(0)}`);
    }
  }
  const kinds = Object.keys(done);
  return findings.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

/**
 * The findings in lines: one for each kind with the first few files and what was done, or with `details` all of them; one line where
 * nothing was found, and one for data sets of earlier versions, which nobody examined.
 */
export function findingLines(findings: readonly Finding[] | undefined, { details = false } = {}): string[] {
  if (!findings) return ['health   not examined: an earlier version prepared it'];
  if (findings.length === 0) return ['health   no duplicates, clipping, silence, offsets, cancelling channels or odd ones out'];
  return (Object.keys(done) as FindingKind[]).flatMap((kind) => {
    const those = findings.filter((finding) => finding.kind === kind);
    if (those.length === 0) return [];
    const listed = those.slice(0, details ? Infinity : shown).map(({ file, detail }) => escaped(`${file} ${detail}`));
    const head = `${kind}: ${those.length} ${those.length === 1 ? 'track' : 'tracks'}, ${doneWith(those)}`;
    if (details) return [head, ...listed.map((line) => `  ${line}`)];
    return [`${head}: ${listed.join('; ')}${those.length > shown ? ` … and ${those.length - shown} more` : ''}`];
  });
}

/**
 * For every track the first one of those that are the same recording, itself where there is no other; undefined where there are no
 * duplicates at all.
 */
export function sameAs(trackCount: number, duplicates: readonly Duplicate[]): number[] | undefined {
  if (duplicates.length === 0) return undefined;
  const first = Array.from({ length: trackCount }, (_, track) => track);
  for (const { track, of } of duplicates) first[track] = first[of]!; // `of` is earlier, so its first is known
  return first;
}
