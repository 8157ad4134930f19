import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { decodeWav, encodeWav, encodeWav16 } from '../../src/formats/wav.ts';
import type { SampleFormat } from '../../src/formats/wav.ts';
import { UserError } from '../../src/errors.ts';
import { data16, fmt, largestDifference, noise, riff } from '../audio/helpers.ts';

const test = suite('wav');

const SAMPLES = [0, 1000, -1000, 32767, -32768, 5];
const WANTED = SAMPLES.map((value) => value / 32768);

function write({ bits, channels, scale }: { bits: string; channels: Float32Array[]; scale: (x: number) => number }) {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(
    channels.length,
    44100,
    bits,
    channels.map((channel) => Float64Array.from(channel, scale)),
  );
  return wav.toBuffer();
}

const integer = (bits: number) => (x: number) => Math.round(x * (2 ** (bits - 1) - 1));
const FORMATS = [
  { bits: '8', scale: (x: number) => Math.round(x * 127) + 128, step: 2 ** -7 },
  { bits: '16', scale: integer(16), step: 2 ** -15 },
  { bits: '24', scale: integer(24), step: 2 ** -23 },
  { bits: '32', scale: integer(32), step: 2 ** -31 },
  { bits: '32f', scale: (x: number) => x, step: 0 },
  { bits: '64', scale: (x: number) => x, step: 0 },
];

for (const { bits, scale, step } of FORMATS) {
  const kind = { '32f': 'float 32', '64': 'float 64' }[bits] ?? `PCM ${bits}`;
  // Rounding is half a step, and full scale is 2^n − 1 on the way in and 2^n on the way out: a step more. Then float32.
  const tolerance = 1.5 * step + 2 ** -24;

  test(`${kind} mono is read to within its rounding`, () => {
    const signal = noise(1001);
    const { samples, sampleRate, warnings } = decodeWav(write({ bits, scale, channels: [signal] }), 'a.wav');
    assert.is(sampleRate, 44100);
    assert.equal(warnings, []);
    assert.ok(largestDifference(samples, signal) <= tolerance);
  });

  test(`${kind} with three channels is mixed down to their mean`, () => {
    const channels = [noise(501, 1), noise(501, 2), noise(501, 3)];
    const mean = channels[0]!.map((_, i) => (channels[0]![i]! + channels[1]![i]! + channels[2]![i]!) / 3);
    const { samples } = decodeWav(write({ bits, scale, channels }), 'a.wav');
    assert.ok(largestDifference(samples, mean) <= tolerance);
  });
}

test('encoding 16 bits and decoding gives the samples back, and the same bytes again', () => {
  const signal = noise(2000).map((value) => Math.round(value * 32767) / 32768);
  const bytes = encodeWav16(signal, 7350);
  const decoded = decodeWav(bytes, 'a.wav');
  assert.is(decoded.sampleRate, 7350);
  assert.equal(decoded.samples, signal);
  assert.equal(encodeWav16(decoded.samples, 7350), bytes);
});

test('encoding clamps, and refuses what is not a number', () => {
  const { samples } = decodeWav(encodeWav16(Float32Array.of(-3, -1, 1, 3, Infinity), 7350), 'a.wav');
  assert.equal([...samples], [-1, -1, 32767 / 32768, 32767 / 32768, 32767 / 32768]);
  assert.throws(() => encodeWav16(Float32Array.of(0, NaN), 7350), /sample 1 of 2 is not a number/);
});

const WRITTEN: { format: SampleFormat; bitDepth: string; codes: number[]; step: number }[] = [
  { format: '16', bitDepth: '16', codes: [1, 2, 16], step: 2 ** -15 },
  { format: '24', bitDepth: '24', codes: [1, 3, 24], step: 2 ** -23 },
  { format: 'float', bitDepth: '32f', codes: [3, 4, 32], step: 0 },
];

for (const { format, bitDepth, codes, step } of WRITTEN) {
  test(`${format}: what is written is what another reader and our own find, texts and all`, () => {
    const signal = noise(1001);
    const info = { INAM: 'a', ISFT: 'diffwave', ICMT: 'seed 3 · längeres' }; // odd and even sizes, and no ASCII
    const bytes = encodeWav(signal, { sampleRate: 7350, format, info });
    const wav = new wavefile.WaveFile(bytes);
    const { audioFormat, blockAlign, bitsPerSample, numChannels, sampleRate, byteRate } = wav.fmt as Record<string, number>;
    assert.equal([audioFormat, blockAlign, bitsPerSample], codes);
    assert.equal({ numChannels, sampleRate, byteRate }, { numChannels: 1, sampleRate: 7350, byteRate: 7350 * codes[1]! });
    assert.is(wav.bitDepth, bitDepth);
    const read = [...wav.getSamples(true, Float64Array)].slice(0, 1001).map((value) => (step ? value * step : value));
    assert.ok(largestDifference(read, signal) <= step / 2);
    assert.is(wav.getTag('INAM'), 'a');
    assert.is(wav.getTag('ISFT'), 'diffwave');

    const { samples, warnings } = decodeWav(bytes, 'a.wav');
    assert.equal(warnings, []);
    assert.equal(samples, Float32Array.from(read));
    assert.equal(encodeWav(samples, { sampleRate: 7350, format, info }), bytes);
  });
}

/** The chunks of a RIFF file, read by the letter of the specification: what is left over, or overlaps, fails. */
function chunksOf(bytes: Uint8Array, from = 12): [id: string, body: Uint8Array][] {
  if (from === bytes.length) return [];
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(from + 4, true);
  const end = from + 8 + size + (size % 2);
  assert.ok(end <= bytes.length);
  return [[String.fromCharCode(...bytes.subarray(from, from + 4)), bytes.slice(from + 8, from + 8 + size)], ...chunksOf(bytes, end)];
}

test('the chunks are those of the specification, the samples at byte 44 in PCM, texts zero-terminated behind them', () => {
  const samples = Float32Array.of(0.5, -0.5, 0.25);
  const names = (format: SampleFormat, info?: Record<string, string>) =>
    chunksOf(encodeWav(samples, { sampleRate: 7350, format, info })).map(([id]) => id);
  assert.equal(names('24'), ['fmt ', 'data']);
  assert.equal(names('float'), ['fmt ', 'fact', 'data']);
  assert.equal(names('16', { INAM: 'x' }), ['fmt ', 'data', 'LIST']);

  const bytes = encodeWav(samples, { sampleRate: 7350, format: '24', info: { INAM: 'ab', ICMT: 'é' } });
  const fields = new DataView(bytes.buffer);
  assert.is(fields.getUint32(4, true), bytes.length - 8);
  assert.equal([...bytes.subarray(36, 53)], [0x64, 0x61, 0x74, 0x61, 9, 0, 0, 0, 0, 0, 0x40, 0, 0, 0xc0, 0, 0, 0x20]);
  const list = chunksOf(bytes)[2]![1];
  assert.is(String.fromCharCode(...list.subarray(0, 4)), 'INFO');
  assert.equal(chunksOf(list, 4), [['INAM', Uint8Array.of(0x61, 0x62, 0)], ['ICMT', Uint8Array.of(0xc3, 0xa9, 0)]]);
  const [, fact] = chunksOf(encodeWav(samples, { sampleRate: 7350, format: 'float' }))[1]!;
  assert.equal([...fact], [3, 0, 0, 0]);
});

test('float keeps what is beyond full scale, PCM clamps it', () => {
  const loud = Float32Array.of(-1.5, 2, 0.1);
  const read = (format: SampleFormat) => [...new wavefile.WaveFile(encodeWav(loud, { sampleRate: 100, format })).getSamples(true, Float64Array)];
  assert.equal(read('float'), [...loud]);
  assert.equal(read('24').slice(0, 2), [-(2 ** 23), 2 ** 23 - 1]);
  assert.throws(() => encodeWav(Float32Array.of(NaN), { sampleRate: 100, format: 'float' }), /sample 0 of 1 is not a number/);
});

test('only as many seconds are read as wanted', () => {
  const bytes = encodeWav16(noise(1000), 100);
  assert.is(decodeWav(bytes, 'a.wav', { seconds: 2.5 }).samples.length, 250);
  assert.is(decodeWav(bytes, 'a.wav', { seconds: 60 }).samples.length, 1000);
});

const text = (length: number) => Array.from({ length }, (_, i) => 0x41 + (i % 26));
const ODDITIES = [
  {
    what: 'LIST and bext before the data',
    chunks: [{ id: 'LIST', body: text(26) }, fmt(), { id: 'bext', body: text(602) }, data16(SAMPLES)],
  },
  { what: 'an odd chunk with its padding byte', chunks: [fmt(), { id: 'LIST', body: text(7) }, data16(SAMPLES)] },
  { what: 'the data before the format', chunks: [data16(SAMPLES), fmt()] },
  { what: 'a chunk after the data', chunks: [fmt(), data16(SAMPLES), { id: 'LIST', body: text(26) }] },
  { what: 'the extensible format', chunks: [fmt({ extensible: true }), data16(SAMPLES)] },
  {
    what: 'an odd chunk without its padding byte',
    chunks: [fmt(), { id: 'LIST', body: text(7), pad: false }, data16(SAMPLES)],
    warning: 'a.wav: the padding byte after its odd-sized "LIST" chunk is missing',
  },
  {
    what: 'a data size of 0',
    chunks: [fmt(), data16(SAMPLES, { size: 0 })],
    warning: 'a.wav: its data size was never filled in (0); read to the end of the file',
  },
  {
    what: 'a data size of 0xFFFFFFFF',
    chunks: [fmt(), data16(SAMPLES, { size: 0xffffffff })],
    warning: 'a.wav: its data size was never filled in (4294967295); read to the end of the file',
  },
  {
    what: 'a data size past the end',
    chunks: [fmt(), data16(SAMPLES, { size: 5000 })],
    warning: 'a.wav: it is cut off: its data should have 5000 bytes, the file has 12',
  },
  {
    what: 'half a frame at the end',
    chunks: [fmt(), { id: 'data', body: [...data16(SAMPLES).body, 9], pad: false }],
    warning: 'a.wav: its last frame is cut off (1 of 2 bytes) and was dropped',
  },
];

for (const { what, chunks, warning } of ODDITIES) {
  test(`a file with ${what} is read${warning ? ', with a warning' : ''}`, () => {
    const { samples, sampleRate, warnings } = decodeWav(riff(chunks), 'a.wav');
    assert.equal([...samples], WANTED);
    assert.is(sampleRate, 22050);
    assert.equal(warnings, warning ? [warning] : []);
  });
}

test('a view into a larger buffer is read from where it begins', () => {
  const bytes = riff([fmt(), data16(SAMPLES)]);
  const larger = new Uint8Array(bytes.length + 10);
  larger.set(bytes, 7);
  assert.equal([...decodeWav(larger.subarray(7, 7 + bytes.length), 'a.wav').samples], WANTED);
});

test('12 bits sit at the upper end of 16', () => {
  assert.equal([...decodeWav(riff([fmt({ bits: 12 }), data16(SAMPLES)]), 'a.wav').samples], WANTED);
});

test('float samples outside [-1, 1] are clamped with a warning', () => {
  const bytes = write({ bits: '32f', scale: (x) => x, channels: [Float32Array.of(0.5, -2.5, 1.25)] });
  const { samples, warnings } = decodeWav(bytes, 'a.wav');
  assert.equal([...samples], [0.5, -1, 1]);
  assert.equal(warnings, ['a.wav: samples reach ±2.50 and were clamped to ±1']);
});

const bytesOf = (content: string) => new TextEncoder().encode(content);
const float = (value: number) => write({ bits: '32f', scale: (x) => x, channels: [Float32Array.of(0, value)] });
const REFUSED: [what: string, bytes: Uint8Array, message: RegExp][] = [
  [
    'text',
    bytesOf('hello world,\nthis is no music'),
    /^a\.wav is not a WAV file: it is text, beginning with "hello world, this is no"$/,
  ],
  ['an empty file', new Uint8Array(0), /^a\.wav is not a WAV file: it is empty$/],
  ['an MP3 file with a tag', bytesOf('ID3\u0003\u0000'), /it is an MP3 file; convert it/],
  ['an MP3 file without', Uint8Array.of(0xff, 0xfb, 0x90, 0x64), /it is an MP3 file; convert it/],
  ['a FLAC file', bytesOf('fLaC\u0000'), /it is a FLAC file/],
  ['something unknown', Uint8Array.of(0, 1, 2, 250), /it begins with the bytes 00 01 02 fa, as no sound file does/],
  ['another RIFF file', riff([], 'AVI '), /it is a RIFF file of the kind "AVI "/],
  ['a file cut in its header', riff([fmt()]).subarray(0, 30), /its "fmt " chunk has 10 bytes|without a "data" chunk/],
  ['no format', riff([data16(SAMPLES)]), /without a "fmt " chunk/],
  ['no data', riff([fmt(), { id: 'LIST', body: text(4) }]), /without a "data" chunk/],
  ['no samples', riff([fmt(), data16([])]), /^a\.wav holds no samples$/],
  ['no samples but a chunk behind', riff([fmt(), data16([]), { id: 'LIST', body: text(8) }]), /holds no samples/],
  ['compressed sound', riff([fmt({ code: 0x55, bits: 0 }), data16(SAMPLES)]), /compressed sound, format code 0x55/],
  ['no channels', riff([fmt({ channels: 0 }), data16(SAMPLES)]), /says that it has 0 channels/],
  ['no sample rate', riff([fmt({ sampleRate: 0 }), data16(SAMPLES)]), /says that its sample rate is 0 Hz/],
  ['PCM of 48 bits', riff([fmt({ bits: 48 }), data16(SAMPLES)]), /PCM samples of 48 bits \(wanted: PCM of 8/],
  ['a NaN', float(NaN), /^a\.wav holds values that are not numbers \(the first one in frame 1\)$/],
  ['an infinite value', float(-Infinity), /values that are not numbers/],
];

for (const [what, bytes, message] of REFUSED) {
  test(`refused with a line for the user: ${what}`, () => {
    assert.throws(
      () => decodeWav(bytes, 'a.wav'),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  });
}

test.run();
