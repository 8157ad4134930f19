/** The samples of a data set on disk: little-endian float32 without a header, written clip by clip, never half. */
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { dirname } from 'node:path';
import { makeFolder, syncFolder, temporaryName, withPath, writeAll } from '../disk/files.node.ts';
import { RegularFile } from '../disk/regularFile.node.ts';

/** Collects clips in a temporary file beside `path` until `commit` puts it in its place. */
export class ClipWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: number;
  #closed = false;

  constructor(path: string) {
    makeFolder(dirname(path));
    this.#path = path;
    this.#temporary = temporaryName(path);
    this.#file = openSync(this.#temporary, 'wx+');
  }

  append(samples: Float32Array): void {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    const ordered = endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
    try {
      writeAll(this.#file, ordered);
    } catch (error) {
      throw withPath(error, this.#path);
    }
  }

  /** The samples from `first` on, of those that were appended; not after `sync`. */
  read(first: number, count: number): Float32Array {
    const bytes = Buffer.alloc(count * Float32Array.BYTES_PER_ELEMENT);
    this.#fill(bytes, first * Float32Array.BYTES_PER_ELEMENT);
    if (endianness() === 'BE') bytes.swap32();
    return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  }

  /** Keeps `count` samples from each of these places on, which rise, one behind the other; nothing is appended afterwards. */
  retain(starts: readonly number[], count: number): void {
    const size = count * Float32Array.BYTES_PER_ELEMENT;
    const bytes = Buffer.alloc(size);
    starts.forEach((start, i) => {
      if (start === i * count) return;
      this.#fill(bytes, start * Float32Array.BYTES_PER_ELEMENT);
      for (let done = 0; done < size; ) done += writeSync(this.#file, bytes, done, size - done, i * size + done);
    });
    ftruncateSync(this.#file, starts.length * size);
  }

  /** Fills `bytes` with those of the file from byte `from` on. */
  #fill(bytes: Buffer, from: number): void {
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, from + done);
      if (read === 0) throw new Error(`${this.#path} ends before byte ${from + bytes.length}`);
      done += read;
    }
  }

  /** Ends the writing: all clips are on the disk then, where some file systems find out only now that there is no room. */
  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (error) {
      throw withPath(error, this.#path);
    }
    this.#closed = true;
    closeSync(this.#file);
  }

  /** Gives the clips, which were synced, their name, replacing a file that was there. */
  commit(): void {
    renameSync(this.#temporary, this.#path);
    syncFolder(dirname(this.#path));
  }

  /** Throws the clips away. */
  discard(): void {
    if (!this.#closed) closeSync(this.#file);
    this.#closed = true;
    rmSync(this.#temporary, { force: true });
  }
}

/** Reads `count` samples from the beginning of a file that has at least so many. */
export function readSamples(path: string, count: number): Float32Array {
  using file = RegularFile.open(path, path);
  const bytes = file.read(0, count * Float32Array.BYTES_PER_ELEMENT);
  if (bytes.length < count * Float32Array.BYTES_PER_ELEMENT) throw new Error(`${path} has ${bytes.length} bytes, too few for ${count} samples`);
  if (endianness() === 'BE') Buffer.from(bytes.buffer, 0, bytes.length).swap32();
  return new Float32Array(bytes.buffer, 0, count); // what is read from a file's beginning begins its buffer
}
