/** Signals and WAV files to test with. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeWav16 } from '../../src/formats/wav.ts';

export interface Sine {
  readonly hertz: number;
  readonly sampleRate: number;
  readonly samples: number;
  readonly amplitude?: number; // default 0.5
}

export function sine({ hertz, sampleRate, samples, amplitude = 0.5 }: Sine): Float32Array {
  return Float32Array.from({ length: samples }, (_, n) => amplitude * Math.sin((2 * Math.PI * hertz * n) / sampleRate));
}

/** The same unremarkable numbers in [-1, 1) every time: a linear congruential generator (Numerical Recipes, §7.1). */
export function noise(samples: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** The largest difference between two signals; infinite when they differ in length, NaN when one has a NaN. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

const temporaryFolders: string[] = [];
process.on('exit', () => temporaryFolders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A temporary folder that is gone when the process ends, with files in it: bytes, text, or samples at 22,050 Hz. */
export function temporaryFolder(files: Record<string, Uint8Array | Float32Array | string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'diffwave-test-'));
  temporaryFolders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content instanceof Float32Array ? encodeWav16(content, 22050) : content);
  }
  return folder;
}

/** Bytes of a RIFF file with the given chunks; `pad: false` leaves out the byte after an odd size. */
export function riff(chunks: readonly Chunk[], kind = 'WAVE'): Uint8Array {
  const body = chunks.flatMap(({ id, body: content, size = content.length, pad = true }) => [
    ...letters(id),
    ...uint32(size),
    ...content,
    ...(pad && content.length % 2 === 1 ? [0] : []),
  ]);
  return Uint8Array.from([...letters('RIFF'), ...uint32(4 + body.length), ...letters(kind), ...body]);
}

export interface Chunk {
  readonly id: string;
  readonly body: readonly number[];
  readonly size?: number; // what the header says, when that is not the truth
  readonly pad?: boolean;
}

/** A `fmt ` chunk; `extensible` gives the long form with the code in the sub-format's GUID. */
export function fmt({ code = 1, channels = 1, sampleRate = 22050, bits = 16, extensible = false } = {}): Chunk {
  const blockAlign = channels * Math.ceil(bits / 8);
  const plain = [
    ...uint16(extensible ? 0xfffe : code),
    ...uint16(channels),
    ...uint32(sampleRate),
    ...uint32(sampleRate * blockAlign),
    ...uint16(blockAlign),
    ...uint16(bits),
  ];
  const guidTail = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
  const extension = [...uint16(22), ...uint16(bits), ...uint32(0), ...uint16(code), ...guidTail];
  return { id: 'fmt ', body: extensible ? [...plain, ...extension] : plain };
}

/** A `data` chunk of 16-bit samples. */
export function data16(samples: readonly number[], lie: Pick<Chunk, 'size'> = {}): Chunk {
  return { id: 'data', body: samples.flatMap((value) => uint16(value & 0xffff)), ...lie };
}

const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const uint16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const uint32 = (value: number): number[] => [...uint16(value), ...uint16(value >>> 16)];
