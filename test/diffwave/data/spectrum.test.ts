import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { meanOverFrequency } from '../../../src/audio/powerSpectrum.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { readSafetensors } from '../../../src/formats/safetensors.ts';
import { meanSpectrum, spectrumFromMetadata, spectrumToMetadata, trainingSpectrum } from '../../../src/diffwave/data/spectrum.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { clip } from '../tiny.ts';
import { config, dataset, trial } from '../trial.ts';

const test = suite('spectrum of a data set');

const loudness = [1, 2, 3];
const clips = { clipCount: 3, clipSamples: 4096, clip: (i: number) => clip(4096, i).map((value) => loudness[i]! * value) };

test('white noise: the mean of the clips\' variances at every frequency', () => {
  const spectrum = trainingSpectrum(clips);
  assert.is(spectrum.length, 513);
  const wanted = (1 + 4 + 9) / 3;
  // 3 clips of 7 half-overlapping frames, of 513 bins: the mean over both has a relative standard deviation below 2 %.
  assert.ok(Math.abs(meanOverFrequency(513, (bin) => spectrum[bin]!) / wanted - 1) <= 0.1);
  assert.equal(spectrum, Float32Array.from(meanSpectrum(clips, 1024)));
  assert.is(trainingSpectrum({ ...clips, clipSamples: 100, clip: () => clip(100) }).length, 33);
});

test('a clip with a NaN is named', () => {
  const broken = { ...clips, clip: (i: number) => clips.clip(i).map((value, n) => (i === 2 && n === 9 ? NaN : value)) };
  assert.throws(() => trainingSpectrum(broken), /^clip 2 of the data set has a value that is not a number/);
});

test('as text and back it is the same, to the bit', () => {
  const spectrum = Float32Array.from({ length: 65 }, (_, i) => Math.exp(-i) / 3);
  assert.equal(spectrumFromMetadata(spectrumToMetadata(spectrum), 'a'), spectrum);
  assert.is(spectrumFromMetadata(undefined, 'a'), undefined);
  for (const text of ['', '3', '[1,2]x', '[1,2,3,4]', '[1,-1,2]', '[1,null,2]', '[]', '["1",1,1]']) {
    assert.throws(() => spectrumFromMetadata(text, 'w.safetensors'), /^w\.safetensors is damaged: its "spectrum" is not/, text);
  }
});

test('training leaves it with the model, and it goes where the weights go', async () => {
  const gpu = await gpuForTests();
  const model = DiffWave.create(gpu, config, { seed: 5 });
  assert.is(readSafetensors(await model.toBytes(), 'fresh').metadata.spectrum, undefined);
  let bytes: Uint8Array = new Uint8Array();
  const { problem } = await trial({ steps: 1, onSave: async () => void (bytes = await model.toBytes()) }, model);
  assert.is(problem, undefined);
  const loaded = DiffWave.fromBytes(gpu, bytes, { file: 'trained' });
  assert.equal(loaded.spectrum, trainingSpectrum(dataset));
  loaded.destroy();
});

test.run();
