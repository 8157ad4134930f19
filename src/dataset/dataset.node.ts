/**
 * Data sets on disk. A folder of music is prepared once into
 *
 *     manifest.json   what it was made from and how; written last, so that a folder with one is complete
 *     clips.f32       (clipCount, clipSamples) little-endian float32
 *
 * and used again as long as the sources and the options stay the same.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cacheFolder } from '../disk/cache.node.ts';
import { UserError } from '../errors.ts';
import { writeFileAtomic } from '../disk/files.node.ts';
import { ClipWriter, isTemporary, readSamples } from './clipFile.node.ts';
import { Dataset, FORMAT, SILENCE_PEAK, VERSION } from './dataset.ts';
import { clipStarts, listLeftOut, parseManifest, peakOf, prepareTrack } from './dataset.ts';
import type { ClipEntry, DatasetContent, LeftOut, Manifest } from './dataset.ts';
import { clipLength, completeOptions } from './options.ts';
import type { DatasetOptions } from './options.ts';
import { findSoundFiles, fingerprint, requireFolder } from './sources.node.ts';
import type { SourceFile } from './sources.node.ts';
import { escaped } from '../formats/describe.ts';
import { decodeSound } from '../formats/sound.ts';

const MANIFEST = 'manifest.json';
const CLIPS = 'clips.f32';
const PROGRESS_FILES = 50; // a line of progress after so many files, about every ten seconds

export interface PrepareOptions extends Partial<DatasetOptions> {
  readonly source: string; // folder of sound files, searched with its sub-folders
  readonly out: string; // folder of the data set
  /** Called with one line for every warning, every file left out, and now and then for progress. */
  readonly log?: (line: string) => void;
}

export interface PrepareReport {
  readonly out: string;
  readonly manifest: Manifest;
  readonly reused: boolean; // nothing was done: the data set was there already
}

/**
 * Prepares a folder of music, in any format that `decodeSound` reads, as a data set (see `prepareTrack` and `clipStarts`), or uses the one that is in `out`
 * if it was made from the same files with the same options. Another data set in `out` is replaced, and the log says
 * why. Files that are unreadable or silent are left out, each named in the log and in the manifest.
 *
 * @throws UserError when the source is missing or empty, no file in it can be used, options contradict each other, or
 *   `out` has something else in it than a data set
 */
export async function prepareDataset({ source, out, log = () => {}, ...partial }: PrepareOptions): Promise<PrepareReport> {
  const options = completeOptions(partial);
  const files = findSoundFiles(source);
  const wanted = { options, fingerprint: fingerprint(files) };
  const present = inspect(out);
  const why = present.manifest ? differenceTo(wanted, present.manifest) : present.why;
  if (present.manifest && !why) return { out, manifest: present.manifest, reused: true };
  if (why) log(`preparing ${out} again: ${why}`);

  const clips = new ClipWriter(join(out, CLIPS));
  let content: DatasetContent;
  try {
    content = await prepareFiles(files, { source, options, clips, log });
    if (content.clipCount === 0) {
      throw new UserError(`No sound file in ${source} can be used: ${listLeftOut(content.leftOut)}`);
    }
  } catch (error) {
    clips.discard();
    throw error;
  }
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    source: basename(resolve(source)),
    ...wanted,
    sampleRate: options.sampleRate / options.downsample,
    clipSamples: clipLength(options),
    ...content,
  };
  rmSync(join(out, MANIFEST), { force: true }); // an old manifest must never stand beside new clips
  clips.commit();
  writeFileAtomic(join(out, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  return { out, manifest, reused: false };
}

/**
 * Loads a prepared data set into memory.
 *
 * @throws UserError when the folder is missing, is no data set, is damaged, or has no clips
 */
export function loadDataset(folder: string): Dataset {
  requireFolder(folder);
  if (!existsSync(join(folder, MANIFEST))) {
    throw new UserError(`${folder} is not a prepared data set (it has no ${MANIFEST}); \`prepareDataset()\` makes one of a folder of music`);
  }
  const { manifest, why } = readManifest(folder);
  if (!manifest) throw new UserError(`${why}; prepare the data set again with \`prepareDataset()\``);
  if (manifest.clipCount === 0) {
    throw new UserError(
      `The data set ${folder} has no clips: ${listLeftOut(manifest.leftOut) || 'its source was empty'}`,
    );
  }
  return new Dataset(manifest, readSamples(join(folder, CLIPS), manifest.clipCount * manifest.clipSamples));
}

/**
 * The data set at `path`, which is either a prepared one (then the options do not matter) or a folder of music. The
 * latter is prepared with the options into the user's cache folder, and found there the next time.
 *
 * @param log called with one line at a time for what a user should know
 * @throws UserError as `prepareDataset` and `loadDataset`
 */
export async function datasetFrom(
  path: string, partial: Partial<DatasetOptions>, log: (line: string) => void,
): Promise<Dataset> {
  requireFolder(path);
  if (isDataset(path)) return loadDataset(path);
  const options = completeOptions(partial);
  const key = createHash('sha256')
    .update(JSON.stringify([resolve(path), options]))
    .digest('hex')
    .slice(0, 16);
  const out = join(cacheFolder(), 'datasets', key);
  const { reused } = await prepareDataset({ source: path, out, log, ...options });
  log(`${reused ? 'using the' : 'wrote a'} data set prepared from ${path}: ${out}`);
  return loadDataset(out);
}

interface Preparation {
  readonly source: string;
  readonly options: DatasetOptions;
  readonly clips: ClipWriter;
  readonly log: (line: string) => void;
}

/** Decodes, prepares and writes file after file; what the manifest says about the result. */
async function prepareFiles(files: readonly SourceFile[], { source, options, clips, log }: Preparation): Promise<DatasetContent> {
  const clipSamples = clipLength(options);
  const rate = options.sampleRate / options.downsample;
  // Where clips have a length of their own, a file that is a moment longer than one must not count twice.
  const overlaps = options.clipSeconds === undefined;
  const entries: ClipEntry[] = [];
  const leftOut: LeftOut[] = [];
  const warnings: string[] = [];
  const sums = { values: 0, squares: 0, peak: 0 };
  let trackCount = 0;
  const warn = (line: string) => {
    warnings.push(line);
    log(`warning: ${line}`);
  };

  for (const [index, { path: file }] of files.entries()) {
    if (index > 0 && index % PROGRESS_FILES === 0) log(`${index} of ${files.length} files`);
    const name = escaped(file); // in messages, which are of one line
    const track = await readTrack(join(source, file), { name, options, warn });
    if ('reason' in track) {
      leftOut.push({ file, reason: track.reason });
      log(`left out: ${name} ${track.reason}`);
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
      for (const value of clip) {
        sums.values += value;
        sums.squares += value * value;
      }
      sums.peak = Math.max(sums.peak, peakOf(clip));
    }
    trackCount++;
  }
  const count = Math.max(1, entries.length * clipSamples);
  const statistics = { mean: sums.values / count, rms: Math.sqrt(sums.squares / count), peak: sums.peak };
  return { clipCount: entries.length, trackCount, statistics, clips: entries, leftOut, warnings };
}

interface TrackContext {
  readonly name: string; // how warnings and reasons call the file
  readonly options: DatasetOptions;
  readonly warn: (line: string) => void;
}

/** One file at the data set's rate, or the reason why it cannot be used. */
async function readTrack(
  path: string,
  { name, options, warn }: TrackContext,
): Promise<{ samples: Float32Array } | { reason: string }> {
  try {
    const decoded = await decodeSound(readFileSync(path), name, { seconds: options.seconds ?? Infinity });
    const samples = prepareTrack(decoded.samples, decoded.sampleRate, options);
    const peak = peakOf(samples);
    if (peak < SILENCE_PEAK) return { reason: `is silent (peak ${decibels(peak)}, needed ${decibels(SILENCE_PEAK)})` };
    decoded.warnings.forEach(warn);
    return { samples };
  } catch (error) {
    if (error instanceof UserError) return { reason: error.message.replace(`${name} `, '') };
    if ((error as NodeJS.ErrnoException).code) return { reason: `cannot be read: ${escaped((error as Error).message)}` };
    throw error;
  }
}

const decibels = (level: number): string => (level === 0 ? '-∞ dBFS' : `${(20 * Math.log10(level)).toFixed(0)} dBFS`);

/** A data set's manifest, or why it cannot be used; neither where there is nothing. */
type Found = { manifest: Manifest; why?: undefined } | { manifest?: undefined; why?: string };

/**
 * What is in the folder where a data set shall go.
 *
 * @throws UserError when it has files that are not ours: they might be somebody's music
 */
function inspect(out: string): Found {
  if (!existsSync(out)) return {};
  requireFolder(out);
  if (isDataset(out)) return readManifest(out);
  const names = readdirSync(out);
  const isOurs = (name: string) => name === CLIPS || isTemporary(name, CLIPS) || isTemporary(name, MANIFEST);
  const foreign = names.find((name) => !isOurs(name));
  if (foreign) {
    throw new UserError(
      `${out} is not empty (it has ${foreign}) and is not a data set; choose another folder for \`out\``,
    );
  }
  return names.length > 0 ? { why: 'it was not finished' } : {};
}

/** Music collections may have a `manifest.json` of their own. */
function isDataset(folder: string): boolean {
  const path = join(folder, MANIFEST);
  return existsSync(path) && readFileSync(path, 'utf8').includes(FORMAT);
}

function readManifest(folder: string): Found {
  const path = join(folder, MANIFEST);
  try {
    const manifest = parseManifest(readFileSync(path, 'utf8'), path);
    const why = clipDamage(folder, manifest);
    return why ? { why } : { manifest };
  } catch (error) {
    if (error instanceof UserError) return { why: error.message };
    throw error;
  }
}

/** What is wrong with the file of clips, in words. */
function clipDamage(folder: string, { clipCount, clipSamples }: Manifest): string | undefined {
  const path = join(folder, CLIPS);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  const wanted = clipCount * clipSamples * Float32Array.BYTES_PER_ELEMENT;
  if (size === undefined) return `${path} is missing`;
  return size === wanted
    ? undefined
    : `${path} has ${size} bytes instead of ${wanted} (${clipCount} clips of ${clipSamples} samples)`;
}

/** Why a data set is not the wanted one, in words. */
function differenceTo(wanted: Pick<Manifest, 'options' | 'fingerprint'>, found: Manifest): string | undefined {
  const said = (value: number | null | undefined): string => (value === null ? 'all' : String(value ?? 'not given'));
  const changed = (Object.keys({ ...found.options, ...wanted.options }) as (keyof DatasetOptions)[])
    .filter((key) => wanted.options[key] !== found.options?.[key])
    .map((key) => `${key} was ${said(found.options?.[key])} and is now ${said(wanted.options[key])}`);
  if (changed.length > 0) return changed.join(', ');
  return wanted.fingerprint === found.fingerprint ? undefined : 'the source files have changed';
}
