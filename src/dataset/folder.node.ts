/** What is in the folder of a data set, or where one shall go. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { isTemporary } from '../disk/files.node.ts';
import { lockName } from '../disk/lock.node.ts';
import { readRegularFile } from '../disk/regularFile.node.ts';
import { systemReason } from '../disk/systemErrors.node.ts';
import { FORMAT, parseManifest } from './dataset.ts';
import type { Manifest } from './dataset.ts';
import type { DatasetOptions } from './options.ts';
import { requireFolder } from './sources.node.ts';

export const MANIFEST = 'manifest.json';
export const CLIPS = 'clips.f32';

/** A data set's manifest, or why it cannot be used; neither where there is nothing. */
export type Found = { manifest: Manifest; why?: undefined } | { manifest?: undefined; why?: string };

/**
 * What is in the folder where a data set shall go.
 *
 * @throws UserError when it has files that are not ours: they might be somebody's music
 */
export function inspect(out: string): Found {
  if (!existsSync(out)) return {};
  requireFolder(out);
  if (isDataset(out)) return readManifest(out);
  const names = readdirSync(out);
  const foreign = names.find((name) => name !== CLIPS && name !== lockName && !isLeftover(name));
  if (foreign) {
    throw new UserError(
      `${out} is not empty (it has ${foreign}) and is not a data set; choose another folder for \`out\``,
    );
  }
  return names.some((name) => name !== lockName) ? { why: 'it was not finished' } : {};
}

/** Whether a file of this name is what a killed process left of writing a data set. */
export const isLeftover = (name: string): boolean => [CLIPS, MANIFEST, lockName].some((target) => isTemporary(name, target));

/** Music collections may have a `manifest.json` of their own. */
export function isDataset(folder: string): boolean {
  const path = join(folder, MANIFEST);
  return existsSync(path) && statSync(path).isFile() && textOf(path).includes(FORMAT);
}

export function readManifest(folder: string): Found {
  const path = join(folder, MANIFEST);
  try {
    const manifest = parseManifest(textOf(path), path);
    const why = clipDamage(folder, manifest);
    return why ? { why } : { manifest };
  } catch (error) {
    if (error instanceof UserError) return { why: error.message };
    const reason = systemReason(error);
    if (reason) return { why: `${path} cannot be read: ${reason}` };
    throw error;
  }
}

const textOf = (path: string): string => new TextDecoder().decode(readRegularFile(path));

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
export function differenceTo(wanted: Pick<Manifest, 'options' | 'fingerprint'>, found: Manifest): string | undefined {
  const said = (value: DatasetOptions[keyof DatasetOptions], otherwise: string): string => (value === null ? 'all' : String(value ?? otherwise));
  const changed = (Object.keys({ ...found.options, ...wanted.options }) as (keyof DatasetOptions)[])
    .filter((key) => wanted.options[key] !== found.options?.[key])
    .map((key) => [key, key === 'duplicates' ? 'keep' : 'not given'] as const)
    .map(([key, otherwise]) => `${key} was ${said(found.options?.[key], otherwise)} and is now ${said(wanted.options[key], otherwise)}`);
  if (changed.length > 0) return changed.join(', ');
  return wanted.fingerprint === found.fingerprint ? undefined : 'the source files have changed';
}
