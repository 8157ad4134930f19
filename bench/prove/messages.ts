/** What a part tells the program that started it: a line of JSON each on its standard output, written before it goes on. */
import { writeSync } from 'node:fs';
import type { TileSizes } from '../../src/gpu/device/variant.ts';
import type { Provenance } from '../lib/report.ts';

export type Message =
  /** On which adapter; the first one. */
  | { readonly kind: 'adapter'; readonly from: Provenance }
  /** A result, for the rows of the adapter. */
  | { readonly kind: 'row'; readonly bench: string; readonly row: object }
  /** What was found out, in a line. */
  | { readonly kind: 'line'; readonly text: string }
  /** Details for the summary page, lines that belong below each other. */
  | { readonly kind: 'details'; readonly text: string }
  /** A result that is wrong, in a line. */
  | { readonly kind: 'wrong'; readonly text: string }
  /** Why there is nothing to do here, in a line. */
  | { readonly kind: 'absent'; readonly text: string }
  /** What it left out, as its time was over, in a line. */
  | { readonly kind: 'unfinished'; readonly text: string }
  /** Sizes of kernels for the parts that follow. */
  | { readonly kind: 'tile'; readonly tile: TileSizes }
  /** The part came to its end. */
  | { readonly kind: 'done' };

/** What a part is told. */
export interface PartOptions {
  readonly part: string;
  readonly small: boolean;
  /** Seconds after which it will be ended. */
  readonly seconds: number;
  readonly python: string;
  /** What was tuned before. */
  readonly tile?: TileSizes;
}

/** Writes a message, also into a pipe that is full for a moment. */
export function send(message: Message): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // the reader is slower than we are
    }
  }
}

/** The message in a line; undefined for what others print, Dawn or a driver. */
export function messageOf(line: string): Message | undefined {
  if (!line.startsWith('{"kind":')) return undefined;
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined; // the process died while it wrote
  }
}
