/** Files that are either the old one or the new one, never half of one. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import { findOnDisk } from './names.node.ts';
import { RegularFile, readRegularFile } from './regularFile.node.ts';
import { systemReason } from './systemErrors.node.ts';

/** The longest name that file systems take is of 255 bytes; what is added to a name for a while has room beside so many. */
const longestStem = 200;

/** A name beside `path` that nobody else has, on this machine or another one: what is not finished is there. */
export function temporaryName(path: string): string {
  const name = basename(path);
  const stem = Buffer.byteLength(name) > longestStem ? 'unfinished' : name;
  return join(dirname(path), `${stem}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
}

/** Whether a file of this name is what a killed or running process left of writing the file called `target`. */
export function isTemporary(name: string, target: string): boolean {
  return name.startsWith(`${target}.`) && /^\d+(-[0-9a-f]+)?\.tmp$/.test(name.slice(target.length + 1));
}

/** A file that is complete on the disk and has not got its name yet. */
export interface StagedFile {
  /** Gives it its name, in place of a file that has it. */
  commit(): void;
  discard(): void;
}

/** Writes `data` to a temporary name beside `path` and syncs it. Folders are made as needed. */
export function stageFile(path: string, data: Uint8Array | string): StagedFile {
  makeFolder(dirname(path));
  const temporary = temporaryName(path);
  const discard = (): void => rmSync(temporary, { force: true });
  /** What goes wrong leaves nothing behind, and names the file. */
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      discard();
      throw withPath(error, path);
    }
  };
  guarded(() => {
    const file = openSync(temporary, 'wx');
    try {
      writeAll(file, data);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  });
  const commit = (): void => {
    guarded(() => renameSync(temporary, path));
    syncFolder(dirname(path));
  };
  return { commit, discard };
}

/**
 * Writes `data` to `path` so that a crash or a full disk at any moment leaves the previous file intact: to a
 * temporary name beside it, synced to the disk, renamed over the old one. Folders are made as needed.
 */
export function writeFileAtomic(path: string, data: Uint8Array | string): void {
  stageFile(path, data).commit();
}

/** Appends to a file. What goes wrong names the file. */
export function appendToFile(path: string, data: Uint8Array | string): void {
  try {
    const file = openSync(path, 'a');
    try {
      writeAll(file, data);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw withPath(error, path);
  }
}

/** Writes all of it: writeSync may write less than asked for, and refuses more than 2 GiB at once. */
export function writeAll(file: number, data: Uint8Array | string): void {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(bytes.length - at, 1 << 30));
}

/** What a full disk throws out of a write says only that a write failed; this adds the file. */
export function withPath(error: unknown, path: string): unknown {
  return error instanceof Error && 'code' in error && !('path' in error) ? Object.assign(error, { path }) : error;
}

/**
 * Makes a folder and those that it lies in, one after the other: what Node does for all at once never ends below `/proc`, and calls
 * a file system that is read-only a folder that is missing. One that is there is fine.
 *
 * @throws UserError where the file system lets no folder be made
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isFolder(path)) return; // another process was faster
    if (code === 'EEXIST') throw Object.assign(error as Error, { code: 'ENOTDIR', path }); // a file, or a link that leads nowhere
    if (code === 'ENOENT') throw new UserError(`${path} cannot be made: ${parent} is of a kind in which there can be no new folders`);
    throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // making it says why
  }
}

/** What file systems say that have no such thing as syncing a folder: some of networks, and those of other systems. */
const unsyncable = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EACCES', 'EPERM', 'EBADF']);

/** Makes a rename inside `folder` durable. Windows cannot open folders and does not need it. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  let file: number | undefined;
  try {
    file = openSync(folder, 'r');
    fsyncSync(file);
  } catch (error) {
    if (!unsyncable.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The bytes of a file. Throws a `UserError` that says what was looked for and where. */
export function readFileOrExplain(path: string, what: string): Uint8Array {
  try {
    return readRegularFile(findOnDisk(path), path, `a file (${what})`);
  } catch (error) {
    throw explained(error, path, what);
  }
}

/** A file that is read part by part. Throws a `UserError` that says what was looked for and where. */
export function openFileOrExplain(path: string, what: string): RegularFile {
  try {
    return RegularFile.open(findOnDisk(path), path, `a file (${what})`);
  } catch (error) {
    throw explained(error, path, what);
  }
}

/** What opening a file threw, as a `UserError` where the user can mend it. */
function explained(error: unknown, path: string, what: string): unknown {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new UserError(`${path}: there is no such file (${what} wanted)`);
  const reason = systemReason(error);
  return reason ? new UserError(`${path}: cannot be read: ${reason}`) : error;
}

/**
 * The object in a JSON file. Throws a `UserError` with the file's name; the parser's own message is left out, as it quotes
 * the file, over several lines.
 */
export function parseJsonFile<T extends object>(file: string): T {
  const text = new TextDecoder().decode(readFileOrExplain(file, 'JSON'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${file} is damaged: it is not valid JSON`);
  }
  if (typeof value !== 'object' || value === null) throw new UserError(`${file} is damaged: there is no object in it`);
  return value as T;
}
