import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import { completeModel, configFromMetadata, configToMetadata, validateConfig } from '../../../src/diffwave/model/config.ts';
import { completeTraining, validateTraining } from '../../../src/diffwave/training/config.ts';
import { PRESETS, presetNamed } from '../../../src/diffwave/presets.ts';
import { dilationOf, parameterShapes, receptiveField } from '../../../src/diffwave/model/shapes.ts';
import { readSafetensors } from '../../../src/formats/safetensors.ts';
import { noiseSchedule } from '../../../src/diffwave/schedule/schedule.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('config');
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
  assert.equal(sizes(PRESETS['diffwave-base'].model), [30, 64, 10, 3, 50]);
  assert.equal(sizes(PRESETS['diffwave-sc09'].model), [36, 256, 12, 3, 200]);
  assert.equal([PRESETS.gtzan.data.downsample, PRESETS.gtzan.data.splits, training.batchSize], [3, 6, 4]);
  assert.equal([PRESETS.gtzan.data.seconds, training.learningRate], [30, 2e-4]);
});

test('an unknown preset is answered with those there are', () => {
  for (const name of ['big', 'toString', '']) {
    assert.throws(() => presetNamed(name), isUserError(/no preset .*gtzan, tiny, diffwave-base, diffwave-sc09/));
  }
});

test('the tiny preset ends in noise, as its comment says', () => {
  const last = ({ diffusionSteps: steps, betaStart, betaEnd }: typeof PRESETS.tiny.model): number =>
    noiseSchedule({ steps, betaStart, betaEnd }).alphaBar[steps - 1];
  assert.is(last(PRESETS.tiny.model).toFixed(3), '0.005');
  assert.is(last({ ...PRESETS.tiny.model, betaEnd: 0.02 }).toFixed(2), '0.60');
});

test('dilations start over after a cycle; the receptive field counts them all', () => {
  const config = { ...model, layers: 5, dilationCycle: 3 };
  assert.equal([0, 1, 2, 3, 4].map((layer) => dilationOf(config, layer)), [1, 2, 4, 1, 2]);
  assert.is(receptiveField(config), 1 + 2 * 10);
  assert.is(receptiveField({ ...config, kernelSize: 1 }), 1);
  assert.is(receptiveField(PRESETS['diffwave-base'].model), 6139); // three cycles: 1 + 2·3·(2^10 − 1)
});

for (const file of ['transformer-4x16.safetensors', 'diffwave-6x8-l1.safetensors']) {
  test(`${file}: its configuration, its parameters in their order`, () => {
    const { metadata, tensors } = readSafetensors(readFileSync(new URL(`../../golden/${file}`, import.meta.url)), file);
    const config = configFromMetadata(metadata.config, file);
    const stored = [...tensors].filter(([name]) => name.startsWith('weights.'));
    assert.equal(parameterShapes(config).map(({ name, diskShape }) => [`weights.${name}`, diskShape]),
      stored.map(([name, { shape }]) => [name, shape]));
    assert.equal([config.diffusionSteps, config.betaStart, config.betaEnd], [200, 1e-4, 0.02]);
    assert.equal([config.encoding, config.loss], file.startsWith('t') ? ['transformer', 'mse'] : ['diffwave', 'l1']);
  });
}

test('parameters are laid out by what they are', () => {
  const layouts = new Map(parameterShapes(model).map(({ name, layout }) => [name, layout]));
  assert.is(layouts.get('residual_layers.9.dilated_conv.weight'), 'conv');
  assert.is(layouts.get('skip_projection.weight'), 'conv');
  assert.is(layouts.get('diffusion_embedding.projection1.weight'), 'linear');
  assert.is(layouts.get('residual_layers.0.diffusion_projection.bias'), 'vector');
  assert.is(layouts.size, 2 * (3 + 3 * 10 + 2));
});

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

test('every field of the model and the training is checked and named', () => {
  const wrongModel: Record<keyof typeof model, unknown[]> = {
    layers: [0, 1.5, '3', NaN, null], channels: [0, -1, undefined], kernelSize: [0, 2, -1, 1.5], dilationCycle: [0, 25],
    encoding: ['sine', 1], encodingWidth: [2, 127, 0], embeddingWidth: [0], diffusionSteps: [0, Infinity],
    betaStart: [0, 1, NaN, '0.1'], betaEnd: [0, 1, 2e-5], loss: ['l2', undefined],
    sampleRate: [0, -1, Infinity, '22050'], schedule: ['sigmoid', null, 'list'], betas: [[], [0.1, 1], ['0.1'], 0.1, [0.1]],
    zeroTerminalSnr: [0, 'yes', null, true], prediction: ['x0', undefined, null],
  };
  for (const [field, values] of Object.entries(wrongModel)) {
    for (const value of values) {
      assert.throws(() => validateConfig({ ...model, [field]: value }, '--preset'),
        isUserError(new RegExp(`^--preset: .*${field}`)), `${field} ${value}`);
    }
  }
  const wrongTraining: Record<keyof typeof training, unknown[]> = {
    batchSize: [0, 2.5], cropSamples: [0, -5, 1.5, undefined], learningRate: [0, -1, NaN, Infinity], beta1: [-0.1, 1],
    beta2: [1, NaN], epsilon: [0], seed: [-1, 0.5, 2 ** 53], precision: ['float16', undefined],
    warmupSteps: [-1, 0.5, null], schedule: ['linear', undefined], decaySteps: [0, 1.5, undefined],
    decayFactor: [-0.1, 1, NaN], weightDecay: [-0.1, NaN, Infinity, null], clipNorm: [0, -1, NaN, Infinity, undefined],
    emaDecay: [-0.1, 1, NaN, null], minSnr: [0, -5, NaN, undefined], timesteps: ['sobol', undefined],
    polarityFlip: [0, 'no', undefined], gainDb: [-1, NaN, Infinity],
  };
  for (const [field, values] of Object.entries(wrongTraining)) {
    for (const value of values) {
      assert.throws(() => validateTraining({ ...training, [field]: value }, 'flags'),
        isUserError(new RegExp(`^flags: ${field} must be .*, not `)), `${field} ${value}`);
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

test('a model of before there was a choice is linear and predicts ε; a list of β survives its file', () => {
  const { schedule, betas, zeroTerminalSnr, prediction, ...old } = model;
  assert.equal([schedule, betas, zeroTerminalSnr, prediction], ['linear', null, false, 'epsilon']);
  assert.equal(completeModel(old), model);
  assert.equal(configFromMetadata(JSON.stringify(old), 'file'), model);
  const listed = { ...model, schedule: 'list', betas: [1e-4, 0.5, 0.25], diffusionSteps: 3, zeroTerminalSnr: true, prediction: 'v' } as const;
  assert.equal(completeModel(listed), listed);
  assert.equal(configFromMetadata(configToMetadata(listed), 'file'), listed);
});

test('a schedule needs its length', () => {
  for (const [fields, pattern] of [
    [{ schedule: 'cosine' }, /^flags: decaySteps must be given for the cosine schedule/],
    [{ schedule: 'step' }, /^flags: decaySteps must be given for the step schedule/],
    [{ schedule: 'cosine', warmupSteps: 9, decaySteps: 9 }, /^flags: decaySteps 9 must be above warmupSteps 9/],
  ] as const) assert.throws(() => validateTraining({ ...training, ...fields }, 'flags'), isUserError(pattern));
  validateTraining({ ...training, schedule: 'step', warmupSteps: 9, decaySteps: 5 }, 'flags');
});

test('a training of before there was a choice has everything off, and keeps what it says', () => {
  const { batchSize, cropSamples, learningRate, beta1, beta2, epsilon, seed } = training;
  const old = { batchSize, cropSamples, learningRate, beta1, beta2, epsilon, seed };
  const complete = completeTraining(old);
  validateTraining(complete, 'file');
  assert.equal(complete, { ...training, emaDecay: 0 }); // the presets average, old runs did not
  assert.equal(completeTraining({ ...complete, emaDecay: 0.9, gainDb: 3 }), { ...complete, emaDecay: 0.9, gainDb: 3 });
  assert.throws(() => validateTraining(completeTraining({}), 'file'), isUserError(/^file: batchSize .* missing/));
});

test.run();
