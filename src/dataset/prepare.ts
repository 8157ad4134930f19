/** How recordings become the clips of a data set, wherever the recordings come from and the clips are put. */
import { UserError, escaped } from '../errors.ts';
import type { ChannelHealth } from '../formats/channelHealth.ts';
import type { DecodedSound } from '../formats/mixDown.ts';
import { SILENCE_PEAK, clipStarts, clutterLine, peakOf, prepareTrack } from './dataset.ts';
import type { ClipEntry, DatasetContent, LeftOut, Statistics } from './dataset.ts';
import { examine, findingsOf, isKnownDamaged, repeats, sameAs } from './doctor.ts';
import type { TrackHealth } from './doctor.ts';
import { findDuplicates } from './duplicates.ts';
import { clipLength } from './options.ts';
import type { DatasetOptions } from './options.ts';

const PROGRESS_FILES = 50; // a line of progress after so many files, about every ten seconds

/** Where clips are put, one after the other, and read again. */
export interface ClipStore {
  append(clip: Float32Array): void;
  /** `count` samples from sample `from` of all that were appended. */
  read(from: number, count: number): Float32Array;
  /** Keeps the clips of `count` samples that begin at these samples, which rise, in their order; nothing is appended afterwards. */
  retain(starts: readonly number[], count: number): void;
}

/** A file that may be a recording. */
export interface Recording {
  readonly path: string; // as the manifest names it, with forward slashes
  /** Why it is none: the rest of a sentence that begins with the path. */
  readonly problem?: string;
  /** What systems leave beside music, under names of sound files. */
  readonly isClutter: boolean;
  /** Its first so many seconds; throws a `UserError` whose message begins with `name` if there is nothing to be had. */
  decode(name: string, seconds: number): Promise<DecodedSound>;
}

export interface Preparation {
  readonly options: DatasetOptions;
  readonly clips: ClipStore;
  /** Called with one line for every warning, every file left out, and now and then for progress. */
  readonly log: (line: string) => void;
  /** A text that is the same for the same bytes alone. */
  readonly digest: (samples: Float32Array) => string | Promise<string>;
  /** In words, what the system said of a file that cannot be read; undefined for an error of ours. */
  readonly systemReason?: (error: unknown) => string | undefined;
}

/** Decodes, prepares and appends recording after recording; what the manifest says about the result. */
export async function prepareFiles(files: readonly Recording[], { options, clips, log, digest, systemReason }: Preparation): Promise<DatasetContent> {
  const clipSamples = clipLength(options);
  const rate = options.sampleRate / options.downsample;
  // Where clips have a length of their own, a file that is a moment longer than one must not count twice.
  const overlaps = options.clipSeconds === undefined;
  const entries: ClipEntry[] = [];
  const leftOut: LeftOut[] = [];
  const warnings: string[] = [];
  let sums = new Sums();
  let trackCount = 0;
  const health: TrackHealth[] = [];
  const digests: string[] = [];
  const warn = (line: string) => {
    warnings.push(line);
    log(`warning: ${line}`);
  };

  const clutter = files.filter(({ isClutter }) => isClutter).length;
  if (clutter > 0) log(clutterLine(clutter));
  for (const [index, recording] of files.entries()) {
    const { path: file, problem, isClutter } = recording;
    if (index > 0 && index % PROGRESS_FILES === 0) log(`${index} of ${files.length} files`);
    if (isClutter) continue;
    const name = escaped(file); // in messages, which are of one line
    const track = problem ? { reason: problem } : await readTrack(recording, { name, options, warn, systemReason });
    if ('reason' in track) {
      const reason = isKnownDamaged(file) ? `${track.reason} (GTZAN's file of this name is known to be damaged)` : track.reason;
      leftOut.push({ file, reason });
      log(`left out: ${name} ${reason}`);
      continue;
    }
    if (track.samples.length < clipSamples) {
      const seconds = (samples: number) => `${(samples / rate).toFixed(2)} s`;
      warn(
        `${name}: its ${seconds(track.samples.length)} are less than a clip of ${seconds(clipSamples)}; ` +
          'padded with silence',
      );
    }
    for (const start of clipStarts({ trackSamples: track.samples.length, clipSamples, overlaps })) {
      const clip = new Float32Array(clipSamples);
      clip.set(track.samples.subarray(start, start + clipSamples));
      clips.append(clip);
      entries.push({ file, track: trackCount, offsetSeconds: start / rate });
      sums.add(clip);
    }
    health.push(examine(track.samples, { file, sampleRate: rate, channels: track.health, silence: SILENCE_PEAK }));
    digests.push(await digest(track.samples));
    trackCount++;
  }
  const duplicates = findDuplicates(
    health.map(({ landmarks }, track) => ({ ...landmarks, digest: digests[track]! })), { read: trackReader(entries, { clips, clipSamples, rate }), sampleRate: rate },
  );
  const drop = options.duplicates === 'drop';
  const common = { leftOut, warnings, ...(clutter > 0 && { clutter }), findings: findingsOf(health, duplicates, { drop }) };
  if (!drop || duplicates.length === 0) {
    const first = sameAs(trackCount, duplicates);
    return { clipCount: entries.length, trackCount, statistics: sums.statistics(), clips: entries, ...common, ...(first && { sameAs: first }) };
  }
  for (const duplicate of duplicates) {
    const { file } = health[duplicate.track]!;
    leftOut.push({ file, reason: repeats(duplicate, health) });
    log(escaped(`left out: ${file} ${leftOut.at(-1)!.reason}`));
  }
  const kept = withoutTracks(entries, new Set(duplicates.map(({ track }) => track)));
  clips.retain(kept.map(({ clip }) => clip * clipSamples), clipSamples);
  sums = new Sums();
  for (let clip = 0; clip < kept.length; clip++) sums.add(clips.read(clip * clipSamples, clipSamples));
  return {
    clipCount: kept.length, trackCount: trackCount - duplicates.length, statistics: sums.statistics(), clips: kept.map(({ entry }) => entry), ...common,
  };
}

/** What the statistics of clips are made of. */
class Sums {
  #count = 0;
  #values = 0;
  #squares = 0;
  #peak = 0;

  add(clip: Float32Array): void {
    this.#count += clip.length;
    let [values, squares] = [this.#values, this.#squares];
    for (const value of clip) {
      values += value;
      squares += value * value;
    }
    [this.#values, this.#squares] = [values, squares];
    this.#peak = Math.max(this.#peak, peakOf(clip));
  }

  statistics(): Statistics {
    const count = Math.max(1, this.#count);
    return { mean: this.#values / count, rms: Math.sqrt(this.#squares / count), peak: this.#peak };
  }
}

/** The entries of other tracks, which are numbered anew, and which clip each was. */
function withoutTracks(entries: readonly ClipEntry[], tracks: ReadonlySet<number>): { entry: ClipEntry; clip: number }[] {
  const numbers = new Map<number, number>();
  return entries.flatMap((entry, clip) => {
    if (tracks.has(entry.track)) return [];
    const track = numbers.get(entry.track) ?? numbers.size;
    numbers.set(entry.track, track);
    return [{ entry: { ...entry, track }, clip }];
  });
}

/** Reads the samples of tracks again from the clips, as far as they are in clips. */
function trackReader(
  entries: readonly ClipEntry[], { clips, clipSamples, rate }: { clips: ClipStore; clipSamples: number; rate: number },
): (track: number) => Float32Array {
  const firstClip: number[] = [];
  entries.forEach(({ track }, clip) => (firstClip[track] ??= clip));
  return (track) => {
    const from = firstClip[track]!;
    const own = entries.slice(from, firstClip[track + 1] ?? entries.length);
    const starts = own.map(({ offsetSeconds }) => Math.round(offsetSeconds * rate));
    const samples = new Float32Array(starts.at(-1)! + clipSamples);
    starts.forEach((start, i) => samples.set(clips.read((from + i) * clipSamples, clipSamples), start));
    return samples;
  };
}

interface TrackContext extends Pick<Preparation, 'systemReason'> {
  readonly name: string; // how warnings and reasons call the file
  readonly options: DatasetOptions;
  readonly warn: (line: string) => void;
}

/** One file at the data set's rate, or the reason why it cannot be used. */
async function readTrack(
  recording: Recording,
  { name, options, warn, systemReason }: TrackContext,
): Promise<{ samples: Float32Array; health: ChannelHealth } | { reason: string }> {
  try {
    const decoded = await recording.decode(name, options.seconds ?? Infinity);
    const samples = prepareTrack(decoded.samples, decoded.sampleRate, options);
    const peak = peakOf(samples);
    if (peak < SILENCE_PEAK) return { reason: `is silent (peak ${decibels(peak)}, needed ${decibels(SILENCE_PEAK)})` };
    decoded.warnings.forEach(warn);
    return { samples, health: decoded.health };
  } catch (error) {
    if (error instanceof UserError) return { reason: error.message.replace(`${name} `, '') };
    if (isTooLarge(error)) return { reason: 'does not fit into the memory of this machine: use the first so many `seconds` of each file' };
    const reason = systemReason?.(error);
    if (reason) return { reason: `cannot be read: ${reason}` };
    throw error;
  }
}

/** What V8 says where there is no memory for an array. */
const isTooLarge = (error: unknown): boolean => error instanceof RangeError && /allocation failed|Invalid (typed )?array (buffer )?length/i.test(error.message);

const decibels = (level: number): string => (level === 0 ? '-∞ dBFS' : `${(20 * Math.log10(level)).toFixed(0)} dBFS`);
