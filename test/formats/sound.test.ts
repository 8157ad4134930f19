/**
 * Sound files of every format, from real encoders (ffmpeg): in files/ half a second of 440 Hz at an amplitude of 0.25, in mono or the
 * same on both sides; in twoTones/ 440 Hz on the left and 660 Hz on the right.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { powerSpectrum } from '../../src/audio/powerSpectrum.ts';
import { UserError } from '../../src/errors.ts';
import { auToWav } from '../../src/formats/au.ts';
import { swapBytes } from '../../src/formats/riff.ts';
import { decodeSound, soundEndings } from '../../src/formats/sound.ts';
import { decodeWav } from '../../src/formats/wav.ts';
import { riff } from '../audio/helpers.ts';

const test = suite('sound files');

const folder = new URL('./files/', import.meta.url);
const files = readdirSync(folder);
const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(file, folder)));

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError, String(error));
  return (error as Error).message;
}

test('there is a file of every format', () => {
  for (const ending of ['mp3', 'flac', 'ogg', 'opus', 'm4a', 'aac', 'aiff', 'au']) assert.ok(files.includes(`tone.${ending}`), ending);
  for (const file of ['alaw.wav', 'mulaw.wav', 'ima-adpcm.wav', 'ms-adpcm.wav', 'rf64.wav', 'mulaw.au', 'float.au']) assert.ok(files.includes(file), file);
  assert.ok(files.every((file) => soundEndings.test(file)));
});

for (const file of files) {
  test(`${file}: duration, level and frequency`, async () => {
    const { samples, sampleRate, warnings } = await decodeSound(bytesOf(file), 'a-name');
    assert.equal(warnings, []);
    const seconds = samples.length / sampleRate;
    assert.ok(Math.abs(seconds - 0.5) <= 0.015, `${seconds} s`); // encoders pad by a frame
    const inner = samples.subarray(0.1 * sampleRate, 0.4 * sampleRate);
    const level = Math.sqrt(inner.reduce((sum, value) => sum + value ** 2, 0) / inner.length) / (0.25 * Math.SQRT1_2);
    assert.ok(Math.abs(20 * Math.log10(level)) <= 0.5, `level ${level}`);
    const size = 4096;
    const spectrum = powerSpectrum(new Float32Array(samples), { size });
    const hertz = (spectrum.indexOf(Math.max(...spectrum)) * sampleRate) / size;
    assert.ok(Math.abs(hertz - 440) <= sampleRate / size, `${hertz} Hz`);
  });

  test(`${file}: cut off or turned to garbage, it gives what there is or one line`, async () => {
    const bytes = bytesOf(file);
    const garbage = bytes.slice();
    for (let i = 40; i < garbage.length; i += 3) garbage[i] = (garbage[i]! * 31 + i) & 0xff;
    for (const broken of [bytes.subarray(0, 16), bytes.subarray(0, 60), bytes.subarray(0, bytes.length / 2), garbage]) {
      const outcome = await decodeSound(broken, 'a-name').then(({ samples }) => samples, (error: unknown) => error);
      if (outcome instanceof Float32Array) assert.ok(outcome.every((value) => Math.abs(value) <= 1));
      else {
        assert.instance(outcome, UserError);
        assert.match((outcome as Error).message, /^a-name [^\n]+$/);
      }
    }
  });
}

const twoTones = new URL('./twoTones/', import.meta.url);
for (const file of readdirSync(twoTones)) {
  test(`two tones, ${file}: each side counts half`, async () => {
    const { samples, sampleRate, warnings } = await decodeSound(new Uint8Array(readFileSync(new URL(file, twoTones))), 'a-name');
    assert.equal(warnings, []);
    for (const hertz of [440, 660]) {
      // The amplitude of this frequency over a whole number of its periods, by correlation.
      const inner = samples.subarray(0.1 * sampleRate, 0.4 * sampleRate);
      const [x, y] = [Math.cos, Math.sin].map((wave) => inner.reduce((sum, value, n) => sum + value * wave((2 * Math.PI * hertz * n) / sampleRate), 0));
      const level = (2 * Math.hypot(x!, y!)) / inner.length / 0.125;
      assert.ok(Math.abs(20 * Math.log10(level)) <= 0.6, `${hertz} Hz: ${level}`);
    }
  });
}

test('a bundler for browsers finds every decoder', async () => {
  const { build } = await import('esbuild');
  const entry = new URL('../../src/formats/sound.ts', import.meta.url).pathname;
  const { warnings, metafile } = await build({ entryPoints: [entry], bundle: true, write: false, metafile: true, format: 'esm', platform: 'browser', splitting: true, outdir: 'out', logLevel: 'silent' });
  assert.equal(warnings, []);
  const [main, ...others] = Object.values(metafile.outputs).sort((a, b) => Number(Boolean(b.entryPoint?.endsWith('sound.ts'))) - Number(Boolean(a.entryPoint?.endsWith('sound.ts'))));
  assert.ok(others.length >= 6 && !Object.keys(main!.inputs).some((input) => input.includes('@audio/')), 'they are loaded when they are needed');
  assert.ok(Object.values(metafile.outputs).every(({ imports }) => imports.every(({ path }) => path.startsWith('out/'))));
});

test('no more is kept than is wanted', async () => {
  for (const file of files) {
    const { samples, sampleRate } = await decodeSound(bytesOf(file), file, { seconds: 0.1 });
    assert.is(samples.length, Math.ceil(0.1 * sampleRate), file);
  }
});

test("Node's buffers, whose slices are views, are read as well and stay as they are", async () => {
  for (const file of files) {
    const buffer = Buffer.concat([Buffer.of(1), readFileSync(new URL(file, folder))]).subarray(1);
    const { samples } = await decodeSound(buffer, file);
    assert.equal(samples, (await decodeSound(bytesOf(file), file)).samples, file);
    assert.ok(buffer.equals(bytesOf(file)), file);
  }
});

test('what is no sound is said in one line', async () => {
  assert.match(await messageOf(decodeSound(new TextEncoder().encode('a poem\nof two lines'), 'a.mp3')), /^a\.mp3 is not a sound file that can be read: it is text, beginning with "a poem of two lines"$/);
  assert.match(await messageOf(decodeSound(new Uint8Array(0), 'a.ogg')), /^a\.ogg is not a sound file that can be read: it is empty/);
  const form = riff([]);
  form.set([0x0a, 0x41, 0x0a, 0x00], 8);
  assert.match(await messageOf(decodeSound(form, 'a.wav')), /^a\.wav is not a WAV file: it is a RIFF file of the kind "[^\n]+"$/);
  const header = (code: number, rate = 8000) => Uint8Array.from([...'.snd'].map((letter) => letter.charCodeAt(0)).concat([24, 4, code, rate, 1].flatMap((word) => [0, 0, word >> 8, word & 255]), [1, 2, 3, 4]));
  assert.match(await messageOf(decodeSound(header(23), 'a.au')), /AU encoding 23 \(wanted/);
  assert.match(await messageOf(decodeSound(header(3, 0), 'a.au')), /1 channels at 0 Hz/);
  assert.match(await messageOf(decodeSound(header(3).subarray(0, 20), 'a.au')), /header has 20 bytes/);
});

test('AU: integers of every size, signed bytes among them, are those of the WAV file', () => {
  const signal = Array.from({ length: 51 }, (_, i) => Math.sin(i));
  for (const [code, bits] of [[2, 8], [3, 16], [4, 24], [5, 32]] as const) {
    const wav = new wavefile.WaveFile();
    const scale = 2 ** (bits - 1) - 1;
    wav.fromScratch(1, 8000, String(bits), signal.map((value) => Math.round(value * scale) + (bits === 8 ? 128 : 0)));
    const data = (wav.data as { samples: Uint8Array }).samples.slice(0, (51 * bits) / 8);
    if (bits === 8) data.forEach((byte, i) => (data[i] = byte ^ 0x80));
    const au = new Uint8Array(28 + data.length);
    const view = new DataView(au.buffer);
    [0x2e736e64, 28, 0xffffffff, code, 8000, 1].forEach((word, i) => view.setUint32(4 * i, word));
    au.set(swapBytes(data, bits), 28);
    assert.equal(decodeWav(auToWav(au, 'a.au').bytes, 'a.au').samples, decodeWav(wav.toBuffer(), 'a.wav').samples, `${bits} bits`);
  }
});

test('RIFX: numbers the other way round', async () => {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(2, 8000, '16', [[1, 2, 3, -4], [5, 6, 7, 8]], { container: 'RIFX' });
  const little = new wavefile.WaveFile();
  little.fromScratch(2, 8000, '16', [[1, 2, 3, -4], [5, 6, 7, 8]]);
  const { samples, sampleRate, warnings, health } = await decodeSound(wav.toBuffer(), 'a.wav');
  assert.equal({ samples, sampleRate, warnings, health }, await decodeSound(little.toBuffer(), 'a.wav'));
});

const two = (a: number): number[] => [a & 255, (a >> 8) & 255];
const four = (a: number): number[] => [...two(a), ...two(a >> 16)];
const format = ({ bits = 16, align = bits / 8 }: { bits?: number; align?: number }) =>
  ({ id: 'fmt ', body: [...two(1), ...two(1), ...four(8000), ...four(8000 * align), ...two(align), ...two(bits)] });

test('24 bits in containers of 32, as blockAlign says; nonsense there is not believed', () => {
  const body = [1, -2, 2 ** 22].flatMap((value) => [0xaa, ...[value, value >> 8, value >> 16].map((byte) => byte & 255)]);
  const { samples } = decodeWav(riff([format({ bits: 24, align: 4 }), { id: 'data', body }]), 'a.wav');
  assert.equal([...samples], [1, -2, 2 ** 22].map((value) => value / 2 ** 23));
  for (const align of [0, 1, 9, 4096]) {
    const plain = decodeWav(riff([format({ align }), { id: 'data', body: [0, 64, 0, 192] }]), 'a.wav');
    assert.equal([...plain.samples], [0.5, -0.5], `blockAlign ${align}`);
  }
});

test('an odd chunk that is padded with a space, and an empty data chunk before the real one', () => {
  const data = { id: 'data', body: [0, 64] };
  const odd = (padding: number) => {
    const bytes = riff([format({}), { id: 'LIST', body: [65, 66, 67] }, data]);
    bytes[12 + 24 + 8 + 3] = padding;
    return bytes;
  };
  for (const padding of [0, 0x20, 0x41]) assert.equal([...decodeWav(odd(padding), 'a.wav').samples], [0.5], `padding ${padding}`);
  const missing = decodeWav(riff([format({}), { id: 'LIST', body: [65, 66, 67], pad: false }, data]), 'a.wav');
  assert.equal([...missing.samples], [0.5]);
  assert.match(missing.warnings.join(), /padding byte after its odd-sized "LIST" chunk is missing/);
  assert.equal([...decodeWav(riff([format({}), { id: 'data', body: [] }, data]), 'a.wav').samples], [0.5]);
});

test.run();
