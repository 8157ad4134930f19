import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { validateConfig } from '../../src/diffwave/model/config.ts';
import { validateTraining } from '../../src/diffwave/training/config.ts';
import { PRESETS, dataOfOldRuns, presetNamed } from '../../src/diffwave/presets.ts';
import { noiseSchedule } from '../../src/diffwave/schedule/schedule.ts';
import { clipLength, completeOptions } from '../../src/dataset/options.ts';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { BatchSource } from '../../src/diffwave/training/batches.ts';
import { encodeWav16 } from '../../src/formats/wav.ts';
import { noise, temporaryFolder } from '../audio/helpers.ts';
import { UserError } from '../../src/errors.ts';

const test = suite('presets');
const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);
const { model, training } = PRESETS.gtzan;

test('presets are valid and have the sizes that were published', () => {
  for (const [name, preset] of Object.entries(PRESETS)) {
    validateConfig(preset.model, name);
    validateTraining(preset.training, name);
    assert.is(presetNamed(name), preset);
  }
  const sizes = ({ layers, channels, dilationCycle, kernelSize, diffusionSteps }: typeof model) =>
    [layers, channels, dilationCycle, kernelSize, diffusionSteps];
  assert.equal(sizes(PRESETS.gtzan.model), [10, 64, 10, 3, 200]);
  assert.equal(sizes(PRESETS.music.model), sizes(PRESETS.gtzan.model));
  assert.equal(sizes(PRESETS['diffwave-base'].model), [30, 64, 10, 3, 50]);
  assert.equal(sizes(PRESETS['diffwave-sc09'].model), [36, 256, 12, 3, 200]);
  assert.equal(sizes(PRESETS['diffwave-vocoder'].model), [30, 64, 10, 3, 50]);
  assert.is(PRESETS['diffwave-vocoder'].training.cropSamples, 62 * PRESETS['diffwave-vocoder'].model.hopSamples);
  assert.equal([training.batchSize, training.learningRate], [4, 2e-4]);
});

test('every preset has its data at the rate of its network, in clips that its crops fit into', async () => {
  for (const [name, { model, training, data }] of Object.entries(PRESETS)) {
    assert.is(data.sampleRate / data.downsample, model.sampleRate, name);
    assert.ok(clipLength(completeOptions(data)) >= (training.cropSamples ?? 1), name);
  }
  assert.equal(PRESETS.gtzan.data, { sampleRate: 22050, seconds: 30, downsample: 3, splits: 6 });
  for (const name of ['music', 'tiny'] as const) assert.is(PRESETS[name].data, PRESETS.gtzan.data);
  assert.equal(Object.values(PRESETS).map(({ data }) => clipLength(data)), [36750, 36750, 36750, 16000, 63488, 16000]);
});

/** What a preset makes of a folder, and the share of its crops that is nothing but padding. */
async function preparedFor(name: string, files: Parameters<typeof temporaryFolder>[0]) {
  const { training, data } = presetNamed(name);
  const out = join(temporaryFolder(), 'set');
  await prepareDataset({ source: temporaryFolder(files), out, ...data });
  const dataset = loadDataset(out);
  const L = training.cropSamples!;
  const batches = new BatchSource(dataset, { B: 1, L, T: 50, seed: 0 });
  const crops = Array.from({ length: 40 }, (_, step) => batches.at(step).audio);
  const silent = crops.reduce((sum, crop) => sum + crop.filter((value) => value === 0).length, 0) / (crops.length * L);
  return { dataset, silent };
}

test('digits of a second at any rate become clips of a second at 16 kHz, without silence', async () => {
  const { dataset, silent } = await preparedFor('diffwave-sc09', {
    'one/16000.wav': encodeWav16(noise(16000), 16000),
    'two/44100.wav': encodeWav16(noise(44100), 44100),
    'two/longer.wav': encodeWav16(noise(16500), 16000), // by a moment, which must not make it two
    'two/short.wav': encodeWav16(noise(14400), 16000),
    'two/two.wav': encodeWav16(noise(40000), 16000),
  });
  assert.equal([dataset.sampleRate, dataset.clipSamples, dataset.trackCount], [16000, 16000, 5]);
  assert.equal(dataset.manifest.clips.map(({ file, offsetSeconds }) => [file, offsetSeconds]), [
    ['one/16000.wav', 0], ['two/44100.wav', 0], ['two/longer.wav', 0], ['two/short.wav', 0], ['two/two.wav', 0], ['two/two.wav', 1],
  ]);
  assert.equal(dataset.manifest.warnings, ['two/short.wav: its 0.90 s are less than a clip of 1.00 s; padded with silence']);
  assert.equal(dataset.clip(3).findLastIndex((value) => value !== 0), 14399);
  assert.ok(silent < 0.05, `${silent} of the crops are silence`);
});

test('speech of some seconds is not padded to half a minute', async () => {
  const { dataset, silent } = await preparedFor('diffwave-base', {
    'a.wav': encodeWav16(noise(3 * 22050), 22050),
    'b.wav': encodeWav16(noise(48000), 48000),
  });
  assert.equal([dataset.sampleRate, dataset.clipSamples, dataset.clipCount], [22050, 16000, 5]);
  assert.equal(dataset.manifest.warnings, []);
  assert.ok(silent < 0.01, `${silent} of the crops are silence`);
});

test('recordings of old runs become the clips that they began with', () => {
  assert.is(dataOfOldRuns('gtzan'), PRESETS.gtzan.data);
  for (const name of ['diffwave-base', 'diffwave-sc09']) {
    assert.equal(dataOfOldRuns(name), { sampleRate: 22050, seconds: 30, downsample: 1, splits: 1 });
  }
});

test('an unknown preset is answered with those there are', () => {
  for (const name of ['big', 'toString', '']) {
    assert.throws(() => presetNamed(name), isUserError(/no preset .*music, gtzan, tiny, diffwave-base, diffwave-vocoder, diffwave-sc09/));
  }
});

test('the paper\'s preset is the paper\'s, whatever does better', () => {
  const { scale, emphasis, dilationBase, betaEnd, prediction } = PRESETS.gtzan.model;
  assert.equal([scale, emphasis, dilationBase, betaEnd, prediction], [1, 0, 2, 0.02, 'epsilon']);
  assert.equal([PRESETS.gtzan.training.learningRateSchedule, PRESETS.gtzan.training.clipNorm], ['constant', null]);
});

test('presets end in noise, as their comments say', () => {
  const last = ({ diffusionSteps: steps, betaStart, betaEnd }: typeof PRESETS.tiny.model): number =>
    noiseSchedule({ steps, betaStart, betaEnd }).alphaBar[steps - 1]!;
  assert.is(last(PRESETS.tiny.model).toFixed(3), '0.005');
  assert.is(last(PRESETS.music.model).toFixed(3), '0.006');
  assert.is(last({ ...PRESETS.music.model, betaEnd: 0.02 }).toFixed(2), '0.13');
  assert.is(last({ ...PRESETS.tiny.model, betaEnd: 0.02 }).toFixed(2), '0.60');
});

test.run();
