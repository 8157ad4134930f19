/** Files that lie, stop in the middle, or begin with something else: one line each, and decoders that never get to hang. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../src/errors.ts';
import { wholeOf } from '../../src/formats/bytes.ts';
import { readMp4 } from '../../src/formats/mp4.ts';
import { decodeSound } from '../../src/formats/sound.ts';
import { decodeWav } from '../../src/formats/wav.ts';
import { data16, fmt, riff } from '../audio/helpers.ts';

const test = suite('damaged sound files');

const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`./files/${file}`, import.meta.url)));
const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const be16 = (value: number): number[] => [(value >> 8) & 255, value & 255];
const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value)];
const joined = (...parts: (readonly number[] | Uint8Array)[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Where four letters stand in a file. */
function find(bytes: Uint8Array, word: string): number {
  const at = Buffer.from(bytes).indexOf(word);
  assert.ok(at >= 0, word);
  return at;
}

async function refused(bytes: Uint8Array, message: RegExp, name = 'a.m4a'): Promise<void> {
  const error = await decodeSound(bytes, name).then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError, String(error));
  assert.match((error as Error).message, message);
}

test('MP4: a table that is longer than its box never gets to the decoder, which would fill the memory', async () => {
  for (const table of ['stsz', 'stco', 'stsc', 'stts', 'elst', 'stsd']) {
    const bytes = bytesOf('mono.m4a');
    bytes.set([0x7f, 0xff, 0xff, 0xff], find(bytes, table) + (table === 'stsz' ? 12 : 8));
    await refused(bytes, new RegExp(`^a\\.m4a is damaged: the table "${table}" of its index is longer than its box$`));
  }
});

test('MP4: the index goes first, and offsets with it', async () => {
  const bytes = bytesOf('mono.m4a'); // with its index at the end
  const { parts, isCutOff } = readMp4(bytes, 'a.m4a');
  assert.is(isCutOff, false);
  assert.is(parts.reduce((sum, { length }) => sum + length, 0), bytes.length);
  const first = joined(...parts.map(wholeOf));
  assert.ok(find(first, 'moov') < find(first, 'mdat') && find(bytes, 'moov') > find(bytes, 'mdat'));
  assert.equal((await decodeSound(first, 'a')).samples, (await decodeSound(bytes, 'a')).samples);
  assert.equal(readMp4(first, 'a').parts.map(({ length }) => length).reduce((a, b) => a + b), bytes.length);
});

test('MP4: without an index, cut off, or with other sound', async () => {
  const bytes = bytesOf('mono.m4a');
  await refused(bytes.subarray(0, bytes.length - 200), /^a\.m4a is an MP4 file without its index: it is cut off$/);
  await refused(bytes.subarray(0, find(bytes, 'moov') - 4), /^a\.m4a is an MP4 file without its index \(a "moov" box\)/);
  bytes.set(letters('ac-3'), find(bytes, 'mp4a'));
  await refused(bytes, /^a\.m4a is an MP4 file without AAC or ALAC sound/);
});

test('ADPCM: blocks that cannot be are refused before memory is taken for them', async () => {
  for (const file of ['ms-adpcm.wav', 'ima-adpcm.wav']) {
    const lie = (at: number, ...values: number[]) => {
      const bytes = bytesOf(file);
      bytes.set(values, at);
      return refused(bytes, /^a\.wav cannot be read: it holds (Microsoft|IMA) ADPCM, but [^\n]+$/, 'a.wav');
    };
    await lie(38, 255, 255); // samples of a block
    await lie(32, 1, 0); // bytes of a block
    await lie(22, 0, 0); // channels
    await lie(22, 200, 0);
  }
});

test('what is cut off gives what there is, with one line that says so', async () => {
  for (const [file, share] of [['tone.mp3', 0.7], ['tone.flac', 0.9], ['mulaw.au', 0.5], ['tone.aiff', 0.5], ['ima-adpcm.wav', 0.5], ['rf64.wav', 0.5]] as const) {
    const bytes = bytesOf(file);
    const { samples, warnings } = await decodeSound(bytes.subarray(0, share * bytes.length), 'a');
    assert.ok(samples.length > 0);
    assert.is(warnings.length, 1, file);
    assert.match(warnings[0]!, /^a: it is cut off/);
  }
  for (const file of ['mono.ogg', 'mono.opus']) await refused(bytesOf(file).subarray(0, 1500), /nothing can be decoded: it is cut off$/);
});

test('decoders do not write to the console', async () => {
  const bytes = bytesOf('mono.mp3');
  for (let i = 1500; i < bytes.length; i++) bytes[i] = (i * 7919) >> 3;
  const { error } = console;
  const written: unknown[] = [];
  console.error = (...words: unknown[]) => void written.push(words);
  try {
    const { warnings } = await decodeSound(bytes, 'a.mp3');
    assert.match(warnings.join(), /^a\.mp3: it is damaged; 0\.\d s of it could be decoded$/);
  } finally {
    console.error = error;
  }
  assert.equal(written, []);
});

test('tags and zeros in front of the sound are stepped over', async () => {
  const tag = [...letters('ID3'), 4, 0, 0, 0, 0, 0, 10, ...new Array<number>(10).fill(65)];
  for (const file of ['mono.flac', 'mono.aac', 'mono.mp3']) {
    const plain = await decodeSound(bytesOf(file), 'a');
    for (const front of [tag, [...tag, ...tag, 0, 0, 0]]) {
      assert.is((await decodeSound(joined(front, bytesOf(file)), 'a')).samples.length, plain.samples.length, file);
    }
  }
});

/** An AIFF file of 16-bit samples; its rate is 44100 and `fraction` / 2. */
function aiff({ kind = 'AIFF', compression = '', fraction = 0, size = 4 }): Uint8Array {
  const rate = [0x40, 0x0e, ...be32(0xac440000 + (fraction << 15)), 0, 0, 0, 0];
  const common = [...be16(1), ...be32(2), ...be16(16), ...rate, ...letters(compression)];
  const body = [...letters(kind), ...letters('COMM'), ...be32(common.length), ...common, ...letters('SSND'), ...be32(8 + size), ...be32(0), ...be32(0), 64, 0, 192, 0];
  return joined(letters('FORM'), be32(body.length), body);
}

test('AIFF: what others make of it', async () => {
  const { samples, sampleRate } = await decodeSound(aiff({ fraction: 1 }), 'a');
  assert.equal([[...samples], sampleRate], [[0.5, -0.5], 44101]); // resampling wants whole rates
  await refused(aiff({ kind: 'AIFC', compression: 'Q\nC2' }), /^a\.aif cannot be read: it holds sound of the kind "Q C2" \(wanted/, 'a.aif');
  await refused(aiff({}).subarray(0, 30), /^a\.aif is an AIFF file without a "COMM" chunk/, 'a.aif');
  await refused(aiff({}).subarray(0, 44), /^a\.aif is an AIFF file without an "SSND" chunk/, 'a.aif');
  await refused(aiff({}).subarray(0, 54), /^a\.aif holds no samples$/, 'a.aif');
});

test('WAV: chunks before data whose own size is wrong', () => {
  const odd = riff([fmt(), { id: 'LIST', body: [65, 66, 67] }, data16([16384], { size: 400 })]);
  odd[12 + 24 + 8 + 3] = 0x20;
  const unset = riff([fmt(), { id: 'LIST', body: [65, 66, 67], pad: false }, { id: 'bext', body: [1], pad: false }, data16([16384], { size: 0xffffffff })]);
  const empty = riff([fmt(), data16([]), data16([16384], { size: 400 })]);
  for (const bytes of [odd, unset, empty]) assert.equal([...decodeWav(bytes, 'a.wav').samples], [0.5]);
});

test('WAV: 24 bits at the lower end of 32 are told by signs alone being above them', () => {
  const format = { id: 'fmt ', body: [1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0, 0x7d, 0, 0, 4, 0, 24, 0] };
  const body = [2 ** 22, -(2 ** 22), -1].flatMap((value) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value < 0 ? 255 : 0]);
  assert.equal([...decodeWav(riff([format, { id: 'data', body }]), 'a.wav').samples], [0.5, -0.5, -(2 ** -23)]);
});

test.run();
