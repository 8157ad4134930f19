/**
 * Files that are read, and nothing else under a file's name: opening a named pipe waits for a writer, a device may never end.
 * What is read of them may be a part: the rest of a long recording stays on the disk.
 */
import type { Stats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { UserError } from '../errors.ts';

/** A path; as bytes where it is not UTF-8. */
export type FilePath = string | Buffer;

/** What a path leads to, if that is no file: the rest of a sentence that begins with its name. */
export function whyNoFile(status: Stats): string | undefined {
  if (status.isFile()) return undefined;
  if (status.isDirectory()) return 'is a folder';
  if (status.isFIFO()) return 'is a named pipe (FIFO)';
  if (status.isSocket()) return 'is a socket';
  return status.isCharacterDevice() || status.isBlockDevice() ? 'is a device' : 'is no regular file';
}

/** Small reads come out of a block of this size. */
const blockBytes = 1 << 16;
const mostAtOnce = 1 << 30; // Node reads no more than 2 GiB at once

export class RegularFile {
  /** Bytes, when it was opened. */
  readonly length: number;
  readonly #name: string;
  readonly #file: number;
  #block: { readonly from: number; readonly bytes: Uint8Array } | undefined;

  private constructor(file: number, { length, name }: { length: number; name: string }) {
    this.#file = file;
    this.length = length;
    this.#name = name;
  }

  /**
   * @param name how errors call it
   * @throws UserError if it is no regular file; what the system refuses is thrown as it comes
   */
  static open(path: FilePath, name: string, what = 'a file'): RegularFile {
    const expectFile = (status: Stats): void => {
      const why = whyNoFile(status);
      if (why) throw new UserError(`${name} ${why}, wanted ${what}`);
    };
    expectFile(statSync(path)); // before it is opened, which to some devices is an order
    // It may be another thing by now: this opens a pipe without waiting for whoever writes into it.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const status = fstatSync(file);
      expectFile(status);
      return new RegularFile(file, { length: status.size, name });
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /** The bytes from `from` up to `to`, fewer at the end. Throws a `UserError` if the file has become shorter meanwhile. */
  read(from: number, to: number): Uint8Array {
    const [start, end] = [Math.min(from, this.length), Math.min(to, this.length)];
    if (end <= start) return new Uint8Array(0);
    if (end - start > blockBytes / 2) return this.#readAll(start, end);
    const block = this.#block;
    if (block && start >= block.from && end <= block.from + block.bytes.length) return block.bytes.subarray(start - block.from, end - block.from);
    const bytes = this.#readAll(start, Math.min(this.length, start + blockBytes));
    this.#block = { from: start, bytes };
    return bytes.subarray(0, end - start);
  }

  /** All of it, to its end, which for files that the system makes up as they are read is not where its length says. */
  readWhole(): Uint8Array {
    const parts: Uint8Array[] = [this.#readAll(0, this.length)];
    for (let at = this.length; ; ) {
      const part = new Uint8Array(blockBytes);
      const count = readSync(this.#file, part, 0, part.length, at);
      if (count === 0) break;
      parts.push(part.subarray(0, count));
      at += count;
    }
    return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
  }

  close(): void {
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readAll(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from);
    for (let at = 0; at < bytes.length; ) {
      const count = readSync(this.#file, bytes, at, Math.min(bytes.length - at, mostAtOnce), from + at);
      if (count === 0) throw new UserError(`${this.#name} became shorter while it was read`);
      at += count;
    }
    return bytes;
  }
}

/** All bytes of a regular file; errors as those of `RegularFile.open`. */
export function readRegularFile(path: FilePath, name = String(path), what?: string): Uint8Array {
  using file = RegularFile.open(path, name, what);
  return file.readWhole();
}
