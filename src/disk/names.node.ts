/**
 * Names on the disk. To Linux they are bytes, of old collections often ISO 8859-1, and Node's texts lose what is not UTF-8: such
 * paths stay bytes, and are shown with \xe9 where a byte is none.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, sep } from 'node:path';
import type { FilePath } from './regularFile.node.ts';

/** What stands in a text where bytes were no UTF-8: also in the arguments that Node gives a program. */
const replacement = '\ufffd';

/** A name as text, unlike every other one. */
export function textOf(name: Buffer): string {
  const text = name.toString('utf8');
  if (!text.includes(replacement) || Buffer.from(text).equals(name)) return text;
  return Array.from(name, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join('');
}

/** The path of an entry in a folder, as text where it is one. */
export function joined(folder: FilePath, name: Buffer): FilePath {
  const path = Buffer.concat([Buffer.from(folder), Buffer.from(sep), name]);
  const text = path.toString('utf8');
  return Buffer.from(text).equals(path) ? text : path;
}

/**
 * What a path that the user typed leads to: itself, but where it has signs for bytes that are no UTF-8, and one entry of the disk
 * alone looks so, that one.
 */
export function findOnDisk(path: string): FilePath {
  if (!path.includes(replacement) || exists(path)) return path;
  const parent = dirname(path) === path ? path : findOnDisk(dirname(path));
  const name = basename(path);
  try {
    const alike = readdirSync(parent, { encoding: 'buffer' }).filter((entry) => entry.toString('utf8') === name);
    return alike.length === 1 ? joined(parent, alike[0]!) : path;
  } catch {
    return path; // opening it says why
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true; // as it seems: opening it says why it cannot be
  }
}
