/** The samples of a data set on disk: little-endian float32 without a header, written clip by clip, never half. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { endianness } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../disk/files.node.ts';

const MAX_TRANSFER = 1 << 30; // bytes: Node reads and writes no more than 2 GiB at once

/** Collects clips in a temporary file beside `path` until `commit` puts it in its place. */
export class ClipWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    removeLeftovers(path);
    this.#path = path;
    this.#temporary = `${path}.${process.pid}.tmp`;
    this.#file = openSync(this.#temporary, 'w');
  }

  append(samples: Float32Array): void {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    const ordered = endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
    for (let at = 0; at < ordered.length;) {
      at += writeSync(this.#file, ordered, at, Math.min(ordered.length - at, MAX_TRANSFER));
    }
  }

  /** Makes the clips permanent, replacing a file that was there. */
  commit(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
    renameSync(this.#temporary, this.#path);
    syncFolder(dirname(this.#path));
  }

  /** Throws the clips away. */
  discard(): void {
    closeSync(this.#file);
    rmSync(this.#temporary, { force: true });
  }
}

/** Reads `count` samples from the beginning of a file that has at least so many. */
export function readSamples(path: string, count: number): Float32Array {
  const samples = new Float32Array(count);
  const bytes = Buffer.from(samples.buffer);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; at < bytes.length;) {
      const read = readSync(file, bytes, at, Math.min(bytes.length - at, MAX_TRANSFER), at);
      if (read === 0) throw new Error(`${path} ended after ${at} of ${bytes.length} bytes`);
      at += read;
    }
  } finally {
    closeSync(file);
  }
  if (endianness() === 'BE') bytes.swap32();
  return samples;
}

/** Whether a file of this name is what a killed or running process left of writing the file called `target`. */
export function isTemporary(name: string, target: string): boolean {
  return temporaryOwner(name, target) !== undefined;
}

/** The process that a temporary file belongs to, from its name `<target>.<process id>.tmp`. */
function temporaryOwner(name: string, target: string): number | undefined {
  const match = name.startsWith(`${target}.`) ? /^(\d+)\.tmp$/.exec(name.slice(target.length + 1)) : null;
  return match ? Number(match[1]) : undefined;
}

/** Removes temporary files of processes that were killed. */
function removeLeftovers(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    const owner = temporaryOwner(name, basename(path));
    if (owner !== undefined && !isRunning(owner)) rmSync(join(dirname(path), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing, only asks
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it runs, as another user
  }
}
