import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { completeModel, configFromMetadata, configToMetadata, upsamplingOf, validateConfig } from '../../../src/diffwave/model/config.ts';
import { parameterShapes } from '../../../src/diffwave/model/shapes.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { readSafetensors } from '../../../src/formats/safetensors.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('config');
const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);
const { model } = PRESETS.gtzan;

for (const file of ['transformer-4x16.safetensors', 'diffwave-6x8-l1.safetensors']) {
  test(`${file}: its configuration`, () => {
    const { metadata } = readSafetensors(readFileSync(new URL(`../../golden/${file}`, import.meta.url)), file);
    const config = configFromMetadata(metadata.config, file);
    assert.equal([config.diffusionSteps, config.betaStart, config.betaEnd], [200, 1e-4, 0.02]);
    assert.equal([config.encoding, config.loss], file.startsWith('t') ? ['transformer', 'mse'] : ['diffwave', 'l1']);
  });
}

test('a configuration survives its file; what is not the model’s stays out of it', () => {
  for (const preset of Object.values(PRESETS)) {
    const surplus = { ...preset.model, note: 'surplus' };
    assert.equal(configFromMetadata(configToMetadata(surplus), 'file'), preset.model);
  }
});

test('metadata without a configuration, or with a wrong one, is refused by file and field', () => {
  for (const json of [undefined, '', 'null', '[1]', '{"layers":']) {
    assert.throws(() => configFromMetadata(json, 'w.safetensors'), isUserError(/^w\.safetensors has no "config"/));
  }
  assert.throws(() => configFromMetadata('{}', 'w.safetensors'),
    isUserError(/^w\.safetensors: layers must .*not missing/));
  assert.throws(() => configFromMetadata(configToMetadata({ ...model, kernelSize: 4 }), 'w.safetensors'),
    isUserError(/^w\.safetensors: kernelSize must be an odd whole number from 1, not 4/));
});

test('every field is checked and named', () => {
  const wrongModel: Record<keyof typeof model, unknown[]> = {
    layers: [0, 1.5, '3', NaN, null], channels: [0, -1, undefined], kernelSize: [0, 2, -1, 1.5], dilationCycle: [0, 25],
    encoding: ['sine', 1], encodingWidth: [2, 127, 0], embeddingWidth: [0], diffusionSteps: [0, Infinity],
    betaStart: [0, 1, NaN, '0.1'], betaEnd: [0, 1, 2e-5], loss: ['l2', undefined],
    sampleRate: [0, -1, Infinity, '22050'], schedule: ['sigmoid', null, 'list'], betas: [[], [0.1, 1], ['0.1'], 0.1, [0.1]],
    zeroTerminalSnr: [0, 'yes', null, true], prediction: ['x0', undefined, null],
    dilationBase: [0, 17, 1.5], scale: [0, -1, 'rms', null], emphasis: [1, -0.1, null],
    conditioner: ['text', null], labels: [[], ['a', 'a'], ['none'], [''], ['a,b'], ['a:1'], [' a'], 'a', [1], ['a']], labelWidth: [0, 1.5, 8], alwaysLabelled: [1, 'yes', true],
    melBands: [0, 80], hopSamples: [0, 3, 5, 257, 2.5, 256],
  };
  for (const [field, values] of Object.entries(wrongModel)) {
    for (const value of values) {
      assert.throws(() => validateConfig({ ...model, [field]: value }, 'preset'),
        isUserError(new RegExp(`^preset: .*${field}`)), `${field} ${value}`);
    }
  }
});

test('fields of the noise schedule that contradict each other are refused', () => {
  for (const [fields, pattern] of [
    [{ schedule: 'list' }, /^file: betas and the schedule "list" go together/],
    [{ betas: [0.1, 0.2] }, /^file: betas and the schedule "list" go together/],
    [{ schedule: 'list', betas: [0.1, 0.2] }, /^file: betas has 2 numbers, but diffusionSteps is 200/],
    [{ zeroTerminalSnr: true }, /^file: zeroTerminalSnr needs the prediction "v"/],
    [{ zeroTerminalSnr: true, prediction: 'v', diffusionSteps: 1 }, /^file: zeroTerminalSnr needs two/],
  ] as const) assert.throws(() => validateConfig({ ...model, ...fields }, 'file'), isUserError(pattern));
  validateConfig({ ...model, schedule: 'list', betas: [0.2, 0.1], diffusionSteps: 2, zeroTerminalSnr: true, prediction: 'v' }, 'file');
});

test('a conditioner needs its fields, has no others, and survives its file', () => {
  const labels = { ...model, conditioner: 'labels', labels: ['jazz', 'metal'], labelWidth: 16 } as const;
  const mel = { ...model, conditioner: 'mel', melBands: 80, hopSamples: 256 } as const;
  for (const config of [labels, mel]) assert.equal(configFromMetadata(configToMetadata(config), 'file'), config);
  assert.is(completeModel({ conditioner: 'labels', labels: ['jazz'] }).labelWidth, 128);
  for (const [config, pattern] of [
    [{ ...labels, labels: undefined }, /^file: conditioner "labels" needs labels/],
    [{ ...mel, hopSamples: undefined }, /^file: conditioner "mel" needs hopSamples/],
    [{ ...mel, hopSamples: 257 }, /^file: hopSamples must be a product of two whole numbers from 2.*got 257: the nearest are 256 and 258\.$/],
    [{ ...mel, hopSamples: 3 }, /got 3: the nearest are 4\.$/],
    [{ ...labels, melBands: 80 }, /^file: melBands is for the conditioner "mel", which is "labels"/],
    [{ ...model, labels: ['jazz'] }, /^file: labels is for the conditioner "labels", which is left out/],
  ] as const) assert.throws(() => validateConfig(config, 'file'), isUserError(pattern));
});

test('a hop is upsampled by the two factors that are nearest to each other, the smaller one first', () => {
  for (const [hop, factors] of [[4, [2, 2]], [16, [4, 4]], [36, [6, 6]], [200, [10, 20]], [256, [16, 16]], [300, [15, 20]], [1024, [32, 32]], [254, [2, 127]]] as const) {
    assert.equal(upsamplingOf(hop), factors, `${hop}`);
  }
  for (const hop of [1, 2, 3, 5, 257]) assert.is(upsamplingOf(hop), undefined, `${hop}`);
  const { diskShape } = parameterShapes({ ...model, conditioner: 'mel', melBands: 80, hopSamples: 200 }).find(({ name }) => name === 'spectrogram_upsampler.conv2.weight')!;
  assert.equal(diskShape, [1, 1, 3, 40]);
});

test('a model of before there was a choice is linear and predicts ε; a list of β survives its file', () => {
  const { schedule, betas, zeroTerminalSnr, prediction, ...old } = model;
  assert.equal([schedule, betas, zeroTerminalSnr, prediction], ['linear', null, false, 'epsilon']);
  assert.equal(completeModel(old), model);
  assert.equal(configFromMetadata(JSON.stringify(old), 'file'), model);
  const listed = { ...model, schedule: 'list', betas: [1e-4, 0.5, 0.25], diffusionSteps: 3, zeroTerminalSnr: true, prediction: 'v' } as const;
  assert.equal(completeModel(listed), listed);
  assert.equal(configFromMetadata(configToMetadata(listed), 'file'), listed);
});

test.run();
