import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { validateConfig } from '../../src/diffwave/model/config.ts';
import { validateTraining } from '../../src/diffwave/training/config.ts';
import { PRESETS, presetNamed } from '../../src/diffwave/presets.ts';
import { noiseSchedule } from '../../src/diffwave/schedule/schedule.ts';
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

test.run();
