/** A file's bytes that are read where they are wanted: of a long one a few heads and the seconds that are asked for. */
import { UserError } from '../errors.ts';
import { ascii } from './describe.ts';

export interface Bytes {
  readonly length: number;
  /** The bytes from `from` up to `to`, fewer where they end. Whoever gets them leaves them as they are. */
  read(from: number, to: number): Uint8Array;
}

/** Bytes that are in memory already. */
export function bytesOf(content: Uint8Array | Bytes): Bytes {
  return content instanceof Uint8Array ? { length: content.length, read: (from, to) => content.subarray(from, to) } : content;
}

/** A part of them as bytes of their own. */
export function partOf(bytes: Bytes, from: number, to = bytes.length): Bytes {
  const [start, end] = [Math.min(from, bytes.length), Math.min(to, bytes.length)];
  return { length: Math.max(0, end - start), read: (first, last) => bytes.read(start + first, Math.min(end, start + last)) };
}

/** All of them. */
export const wholeOf = (bytes: Bytes): Uint8Array => bytes.read(0, bytes.length);

/** The four bytes at `at` as letters; shorter at the end. */
export const asciiAt = (bytes: Bytes, at: number): string => ascii(bytes.read(at, at + 4), 0);

/** Numbers in the `count` bytes at `at`; reading one past the end is a RangeError. */
export function viewAt(bytes: Bytes, at: number, count: number): DataView {
  return viewOf(bytes.read(at, at + count));
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Bytes of one array of samples: what every version of Node that we run on can make. */
const mostBytes = 2 ** 32;

/** Throws a `UserError` if so many bytes of samples are more than can be held at once. */
export function expectHoldable(sampleBytes: number, name: string): void {
  if (sampleBytes > mostBytes) {
    throw new UserError(`${name} is too long to be read at once: use the first so many \`seconds\` of it, or cut it into shorter files`);
  }
}
