/** Files above 2 GiB, which Node does not read at once: of a long file no more is read than the seconds that are wanted. */
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RegularFile } from '../../src/disk/regularFile.node.ts';
import { UserError } from '../../src/errors.ts';
import type { Bytes } from '../../src/formats/bytes.ts';
import { partOf } from '../../src/formats/bytes.ts';
import { decodeSound } from '../../src/formats/sound.ts';
import { fmt, riff, temporaryFolder } from '../audio/helpers.ts';

const test = suite('long files');

const GiB = 2 ** 30;
const folder = temporaryFolder();
const recorded = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`./files/${file}`, import.meta.url)));
const be32 = (...words: number[]): number[] => words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

/** A file of this size that begins so; the rest is zeros that take no room on the disk. */
function sparse(name: string, size: number, head: Uint8Array): string {
  const path = join(folder, name);
  const file = openSync(path, 'w');
  writeSync(file, head);
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

/** What is decoded, and how many bytes were read for it. */
async function decoded(path: string, seconds?: number) {
  using file = RegularFile.open(path, path);
  let count = 0;
  const counted: Bytes = { length: file.length, read: (from, to) => { const part = file.read(from, to); count += part.length; return part; } };
  return { ...(await decodeSound(counted, 'a', { seconds })), count };
}

const tone = [0, 64, 0, 192]; // ±0.5 of 16 bits, little-endian
const wav = riff([fmt({ sampleRate: 8000 }), { id: 'data', body: tone, size: 3 * GiB }]);

const beginnings: Record<string, { size: number; head: Uint8Array }> = {
  'RIFF': { size: 3 * GiB, head: wav },
  'RF64': {
    size: 5 * GiB,
    head: (() => {
      const ds64 = new DataView(new ArrayBuffer(24));
      ds64.setBigUint64(8, BigInt(5 * GiB - 200), true);
      const bytes = riff([{ id: 'ds64', body: [...new Uint8Array(ds64.buffer)] }, fmt({ sampleRate: 8000 }), { id: 'data', body: tone, size: 0xffffffff }]);
      bytes.set(letters('RF64'));
      return bytes;
    })(),
  },
  'AU': { size: 3 * GiB, head: Uint8Array.from([...letters('.snd'), ...be32(24, 3 * GiB - 24, 3, 8000, 1), 64, 0, 192, 0]) },
  'AIFF': {
    size: 3 * GiB,
    head: Uint8Array.from([
      ...letters('FORM'), ...be32(3 * GiB - 8), ...letters('AIFFCOMM'), ...be32(18), 0, 1, ...be32(GiB), 0, 16, 0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0,
      ...letters('SSND'), ...be32(3 * GiB - 46), ...be32(0, 0), 64, 0, 192, 0,
    ]),
  },
};

for (const [kind, { size, head }] of Object.entries(beginnings)) {
  test(`${kind} of ${size / GiB} GiB: the first seconds are read, and no more`, async () => {
    const { samples, sampleRate, warnings, count } = await decoded(sparse(`${kind}.wav`, size, head), 2);
    assert.equal([sampleRate, samples.length, [...samples.subarray(0, 3)]], [8000, 16_000, [0.5, -0.5, 0]]);
    // The heads of these are made by hand: AU's, AIFF's and RF64's sizes are right, RIFF's is what 32 bits hold.
    assert.equal(warnings.filter((line) => !line.includes('cut off')), []);
    assert.ok(count < 200_000, `${count} bytes were read`);
  });
}

test('the whole of it is refused by name where it is more than fits', async () => {
  const { size, head } = beginnings.RF64!;
  const path = sparse('whole.wav', size, head);
  const error = await decoded(path).then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError);
  assert.is((error as Error).message, 'a is too long to be read at once: use the first so many `seconds` of it, or cut it into shorter files');
});

test('compressed files are read as far as they are decoded, whatever follows', async () => {
  for (const name of ['tone.mp3', 'tone.flac', 'tone.ogg', 'tone.opus', 'tone.aac', 'tone.m4a', 'mono.m4a', 'ima-adpcm.wav', 'mulaw.au']) {
    const bytes = recorded(name);
    // Behind an MP4's boxes another one; the others end in what is no sound.
    const free = name.endsWith('.m4a') ? Uint8Array.from([...be32(1), ...letters('free'), ...be32(0, 3 * GiB - bytes.length)]) : new Uint8Array(0);
    const path = sparse(name, 3 * GiB, Buffer.concat([bytes, free]));
    assert.ok(statSync(path).size > 2 ** 31);
    const { samples, sampleRate, count } = await decoded(path, 0.2);
    const { samples: wanted } = await decodeSound(bytes, 'a', { seconds: 0.2 });
    assert.equal([samples.length, sampleRate * 0.2 - samples.length < 1], [wanted.length, true], name);
    assert.equal(samples, wanted, name);
    assert.ok(count < 2 ** 20, `${name}: ${count} bytes were read`);
  }
});

test('a part of a file has its own places, and ends where it ends', () => {
  const bytes = { length: 6, read: (from: number, to: number) => Uint8Array.of(0, 1, 2, 3, 4, 5).subarray(from, to) };
  const part = partOf(bytes, 2, 5);
  assert.equal([part.length, [...part.read(0, 9)], [...part.read(1, 2)], partOf(bytes, 7).length], [3, [2, 3, 4], [3], 0]);
});

test('a file that becomes shorter while it is read is said so', () => {
  const path = sparse('shrinks.wav', 200_000, wav);
  using file = RegularFile.open(path, 'b.wav');
  const again = openSync(path, 'r+');
  ftruncateSync(again, 1000);
  closeSync(again);
  assert.throws(() => file.read(100_000, 200_000), (error: unknown) => error instanceof UserError && error.message === 'b.wav became shorter while it was read');
});

test.run();
