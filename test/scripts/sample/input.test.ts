import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { loadSound, soundOptionsOf } from '../../../scripts/lib/sample/input.ts';
import { loadDataset, prepareDataset } from '../../../src/dataset/dataset.node.ts';
import { encodeWav } from '../../../src/formats/wav.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { largestDifference, noise, sine, temporaryFolder } from '../../audio/helpers.ts';
import { classic } from '../../diffwave/classic.ts';

const test = suite('sound to work on');

const file = (bytes: Uint8Array): string => join(temporaryFolder({ 'a.wav': bytes }), 'a.wav');

for (const [sampleRate, format] of [[44100, '16'], [22050, '24'], [16000, 'float'], [48000, '16']] as const) {
  test(`${sampleRate} Hz: the samples are those that the data set would have, to the bit`, async () => {
    const signal = sine({ hertz: 440, sampleRate, samples: sampleRate });
    noise(sampleRate).forEach((value, i) => (signal[i]! += 0.2 * value));
    const folder = temporaryFolder({ 'a.wav': encodeWav(signal, { sampleRate, format }) });
    const out = join(temporaryFolder(), 'data');
    await prepareDataset({ source: folder, out, seconds: 1, splits: 1 });
    const { samples, sourceRate, warnings } = await loadSound(join(folder, 'a.wav'), { sampleRate: 7350 });
    assert.equal(samples, loadDataset(out).clip(0).slice());
    assert.equal({ sourceRate, warnings }, { sourceRate: sampleRate, warnings: [] });
  });
}

test('there and back: rate, length and level are the file\'s', async () => {
  const sampleRate = 44100;
  const length = 20001; // not a multiple of anything
  const signal = sine({ hertz: 1000, sampleRate, samples: length });
  const sound = await loadSound(file(encodeWav(signal, { sampleRate, format: 'float' })), { sampleRate: 7350 });
  const back = sound.restore(sound.samples);
  assert.is(back.length, length);
  // Both filters pass 1 kHz unchanged; at the ends half a filter is missing, 32 samples of the lower rate each.
  const ends = (2 * 32 * sampleRate) / 7350;
  const inner = (samples: Float32Array) => samples.subarray(ends, length - ends);
  assert.ok(largestDifference(inner(back), inner(signal)) <= 2e-3);
  assert.is(sound.restore(new Float32Array(2 * sound.samples.length)).length, 12 * sound.samples.length);
});

test('stereo of 24 bits is mixed down', async () => {
  const [left, right] = [noise(7350, 1), noise(7350, 2)];
  const wav = new wavefile.WaveFile();
  wav.fromScratch(2, 7350, '24', [left, right].map((side) => Float64Array.from(side, (value) => Math.round(value * 2 ** 23))));
  const { samples } = await loadSound(file(wav.toBuffer()), { sampleRate: 7350 });
  assert.ok(largestDifference(samples, left.map((value, i) => (value + right[i]!) / 2)) <= 2 ** -23);
});

test('a file at the network\'s own rate stays as it is, both ways', async () => {
  const signal = noise(1234);
  const sound = await loadSound(file(encodeWav(signal, { sampleRate: 7350, format: 'float' })), { sampleRate: 7350 });
  assert.equal(sound.samples, signal);
  assert.equal(sound.restore(sound.samples), signal);
});

test('what a run says about its data', () => {
  assert.equal(soundOptionsOf({ model: classic.model, preset: 'tiny' }), { sampleRate: 7350, downsample: 3 });
  assert.equal(soundOptionsOf({ model: PRESETS['diffwave-sc09'].model, preset: 'diffwave-sc09' }), { sampleRate: 16000, downsample: 1 });
  const preparation = { ...classic.data, downsample: 6 }; // by flags of `dataset`
  assert.equal(soundOptionsOf({ model: { ...classic.model, sampleRate: 3675 }, preset: 'tiny', preparation }), { sampleRate: 3675, downsample: 6 });
});

test('what cannot be used is refused by name', async () => {
  const refusedAt = async (path: string, message: RegExp): Promise<void> => {
    const error = await loadSound(path, { sampleRate: 7350 }).then(() => undefined, (reason: Error) => reason);
    assert.match(error?.message ?? 'nothing was thrown', message);
  };
  const refused = (content: Uint8Array, message: RegExp) => refusedAt(file(content), message);
  await refusedAt(join(temporaryFolder(), 'no.wav'), /no\.wav: there is no such file \(a sound file wanted\)$/);
  await refusedAt(temporaryFolder(), /is a folder, wanted a file \(a sound file\)$/);
  await refused(new TextEncoder().encode('a poem'), /a\.wav is not a WAV file: it is text/);
  await refused(new Uint8Array(0), /a\.wav is not a WAV file: it is empty/);
  await refused(encodeWav(new Float32Array(0), { sampleRate: 44100 }), /a\.wav holds no samples$/);
  await refused(
    encodeWav(noise(100), { sampleRate: 4000 }),
    /a\.wav is at 4000 Hz, but the network works at 7350 Hz: use a recording of at least that rate$/,
  );
});

test.run();
