/** Files that are either the old one or the new one, never half of one. */
import { appendFileSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../errors.ts';

/**
 * Writes `data` to `path` so that a crash or a full disk at any moment leaves the previous file intact: to a
 * temporary name beside it, synced to the disk, renamed over the old one. Folders are made as needed.
 */
export function writeFileAtomic(path: string, data: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  try {
    const file = openSync(temporary, 'w');
    try {
      // writeSync may write less than asked for, and refuses more than 2 GiB at once.
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(bytes.length - at, 1 << 30));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw withPath(error, path);
  }
  syncFolder(dirname(path));
}

/** Appends to a file. What goes wrong names the file. */
export function appendToFile(path: string, data: Uint8Array | string): void {
  try {
    appendFileSync(path, data);
  } catch (error) {
    throw withPath(error, path);
  }
}

/** What a full disk throws out of a write says only that a write failed; this adds the file. */
function withPath(error: unknown, path: string): unknown {
  return error instanceof Error && 'code' in error && !('path' in error) ? Object.assign(error, { path }) : error;
}

/** Makes a rename inside `folder` durable. Windows cannot open folders and does not need it. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The bytes of a file. Throws a `UserError` that says what was looked for and where. */
export function readFileOrExplain(path: string, what: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UserError(`${path}: there is no such file (${what} wanted)`);
    if (code === 'EISDIR') throw new UserError(`${path}: is a folder, wanted a file (${what})`);
    throw new UserError(`${path}: cannot be read (${message})`);
  }
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
