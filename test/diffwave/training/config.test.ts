import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { completeTraining, validateTraining } from '../../../src/diffwave/training/config.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('training configuration');
const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);
const { training } = PRESETS.gtzan;

test('every field is checked and named', () => {
  const wrongTraining: Record<keyof typeof training, unknown[]> = {
    batchSize: [0, 2.5], cropSamples: [0, -5, 1.5, undefined], learningRate: [0, -1, NaN, Infinity], beta1: [-0.1, 1],
    beta2: [1, NaN], epsilon: [0], seed: [-1, 0.5, 2 ** 53], precision: ['float16', undefined],
    warmupSteps: [-1, 0.5, null], learningRateSchedule: ['linear', undefined], decaySteps: [0, 1.5, undefined],
    decayFactor: [-0.1, 1, NaN], weightDecay: [-0.1, NaN, Infinity, null], clipNorm: [0, -1, NaN, Infinity, undefined],
    emaDecay: [-0.1, 1, NaN, null], minSnr: [0, -5, NaN, undefined], timesteps: ['sobol', undefined],
    polarityFlip: [0, 'no', undefined], gainDb: [-1, NaN, Infinity], parts: [0, 1.5, undefined],
    labelDropout: [-0.1, 1.1, NaN, undefined],
  };
  for (const [field, values] of Object.entries(wrongTraining)) {
    for (const value of values) {
      assert.throws(() => validateTraining({ ...training, [field]: value }, 'flags'),
        isUserError(new RegExp(`^flags: ${field} must be .*, not `)), `${field} ${value}`);
    }
  }
});

test('a schedule needs its length', () => {
  for (const [fields, pattern] of [
    [{ learningRateSchedule: 'step' }, /^flags: decaySteps must be given for the step schedule/],
    [{ learningRateSchedule: 'cosine', warmupSteps: 9, decaySteps: 9 }, /^flags: decaySteps 9 must be above warmupSteps 9/],
  ] as const) assert.throws(() => validateTraining({ ...training, ...fields }, 'flags'), isUserError(pattern));
  validateTraining({ ...training, learningRateSchedule: 'step', warmupSteps: 9, decaySteps: 5 }, 'flags');
});

test('the parts of a batch are of one size', () => {
  assert.throws(() => validateTraining({ ...training, batchSize: 6, parts: 4 }, 'flags'), isUserError(/^flags: batchSize 6 must be a multiple of parts 4/));
  for (const parts of [1, 2, 3, 6]) validateTraining({ ...training, batchSize: 6, parts }, 'flags');
});

test('a training of before there was a choice has everything off, and keeps what it says', () => {
  const { batchSize, cropSamples, learningRate, beta1, beta2, epsilon, seed } = training;
  const old = { batchSize, cropSamples, learningRate, beta1, beta2, epsilon, seed };
  const complete = completeTraining(old);
  validateTraining(complete, 'file');
  assert.equal(complete, { ...training, emaDecay: 0 }); // the presets average, old runs did not
  assert.equal(completeTraining({ ...complete, emaDecay: 0.9, gainDb: 3 }), { ...complete, emaDecay: 0.9, gainDb: 3 });
  const renamed = { ...old, schedule: 'cosine', decaySteps: 9 }; // its name before 0.2.0
  assert.equal(completeTraining(renamed), { ...complete, learningRateSchedule: 'cosine', decaySteps: 9 });
  assert.throws(() => validateTraining(completeTraining({}), 'file'), isUserError(/^file: batchSize .* missing/));
});

test.run();
