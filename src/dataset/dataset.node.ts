/**
 * Data sets on disk. A folder of music is prepared once into
 *
 *     manifest.json   what it was made from and how; written last, so that a folder with one is complete
 *     clips.f32       (clipCount, clipSamples) little-endian float32
 *
 * and used again as long as the sources and the options stay the same.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cacheFolder } from '../disk/cache.node.ts';
import { UserError } from '../errors.ts';
import type { StagedFile } from '../disk/files.node.ts';
import { stageFile } from '../disk/files.node.ts';
import { FolderLock, lockName } from '../disk/lock.node.ts';
import { RegularFile } from '../disk/regularFile.node.ts';
import { systemReason } from '../disk/systemErrors.node.ts';
import { ClipWriter, readSamples } from './clipFile.node.ts';
import { Dataset, FORMAT, VERSION, listLeftOut } from './dataset.ts';
import type { Manifest } from './dataset.ts';
import { CLIPS, MANIFEST, differenceTo, inspect, isDataset, isLeftover, readManifest } from './folder.node.ts';
import { clipLength, completeOptions } from './options.ts';
import type { DatasetOptions } from './options.ts';
import { prepareFiles } from './prepare.ts';
import type { Recording } from './prepare.ts';
import { findSoundFiles, fingerprint, requireFolder } from './sources.node.ts';
import type { SourceFile } from './sources.node.ts';
import { decodeSound } from '../formats/sound.ts';

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
  const reusable = (): { manifest?: Manifest; why?: string } => {
    const present = inspect(out);
    return present.manifest ? { manifest: present.manifest, why: differenceTo(wanted, present.manifest) } : present;
  };
  // Looked at before the lock is taken, so that a folder of somebody else's gets no lock, and again when it is ours.
  const before = reusable();
  const isNew = !existsSync(out);
  if (before.manifest && !before.why && !readdirSync(out).some((name) => isLeftover(name) || name === lockName)) {
    return { out, manifest: before.manifest, reused: true };
  }
  const lock = await FolderLock.take(out, { what: 'the data set', wait: true, log });
  try {
    for (const name of readdirSync(out).filter(isLeftover)) rmSync(join(out, name), { force: true }); // of one that was killed
    const { manifest: present, why } = reusable();
    if (present && !why) return { out, manifest: present, reused: true };
    const reason = why ?? before.why; // before: what a killed one left is gone by now
    if (reason) log(`preparing ${out} again: ${reason}`);
    const manifest = await prepareInto(out, { source, files, wanted, log, lock });
    return { out, manifest, reused: false };
  } finally {
    lock.release();
    if (isNew) removeIfEmpty(out); // of what cannot be made nothing stays
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // There is something in it, or it is gone already.
  }
}

/** Writes the clips and, last, the manifest that belongs to them. */
async function prepareInto(out: string, { source, files, wanted, log, lock }: {
  source: string; files: readonly SourceFile[]; wanted: Pick<Manifest, 'options' | 'fingerprint'>; log: (line: string) => void; lock: FolderLock;
}): Promise<Manifest> {
  const { options } = wanted;
  const clips = new ClipWriter(join(out, CLIPS));
  let staged: StagedFile | undefined;
  try {
    const content = await prepareFiles(files.map(recordingOf), {
      options, clips, log, systemReason, digest: (samples) => createHash('sha256').update(samples).digest('hex'),
    });
    if (content.clipCount === 0) {
      throw new UserError(`No sound file in ${source} can be used: ${listLeftOut(content.leftOut)}`);
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
    staged = stageFile(join(out, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    clips.sync();
    lock.expectHeld();
    // Everything is on the disk: what follows needs no room there. An old manifest must never stand beside new clips.
    rmSync(join(out, MANIFEST), { force: true });
    clips.commit();
    staged.commit();
    return manifest;
  } catch (error) {
    clips.discard();
    staged?.discard();
    throw error;
  }
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

function recordingOf({ onDisk, ...file }: SourceFile): Recording {
  return {
    ...file,
    async decode(name, seconds) {
      using sound = RegularFile.open(onDisk, name, 'a sound file');
      return await decodeSound(sound, name, { seconds });
    },
  };
}
