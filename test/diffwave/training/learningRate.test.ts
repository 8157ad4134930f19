import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { learningRateAt, trainingOver } from '../../../src/diffwave/training/learningRate.ts';
import { assertClose } from '../../close.ts';

const test = suite('learning rate');

const base = { ...PRESETS.gtzan.training, learningRate: 8 };
type Fields = Partial<typeof base>;

/** The rates of some updates against what is wanted there. */
function rates(fields: Fields, wanted: Readonly<Record<number, number>>): void {
  const got = Object.keys(wanted).map((step) => learningRateAt({ ...base, ...fields }, Number(step)));
  assertClose(got, Object.values(wanted), { atol: 1e-12, what: JSON.stringify(fields) });
}

test('constant by default', () => rates({}, { 0: 8, 1: 8, 1e6: 8 }));

test('the warm-up ends with the whole', () => {
  rates({ warmupSteps: 4 }, { 0: 2, 1: 4, 2: 6, 3: 8, 4: 8, 100: 8 });
});

test('cosine falls from the end of the warm-up to its part of the whole, and stays there', () => {
  const half = Math.SQRT1_2; // cos(π/4)
  rates({ learningRateSchedule: 'cosine', decaySteps: 8, decayFactor: 0 }, { 0: 8, 2: 4 * (1 + half), 4: 4, 6: 4 * (1 - half), 8: 0, 99: 0 });
  rates({ learningRateSchedule: 'cosine', warmupSteps: 4, decaySteps: 12, decayFactor: 0.25 }, { 3: 8, 4: 8, 8: 5, 12: 2, 99: 2 });
});

test('a schedule without ends takes them from the updates there are', () => {
  const open = { ...base, learningRateSchedule: 'cosine', warmupSteps: 100 } as const;
  assert.equal(trainingOver(5000, open), { ...open, decaySteps: 5000 });
  assert.equal(trainingOver(55, open), { ...open, decaySteps: 55, warmupSteps: 5 });
  assert.equal(trainingOver(1, open), { ...open, decaySteps: 1, warmupSteps: 0 });
  for (const fixed of [{ ...open, decaySteps: 200 }, { ...open, learningRateSchedule: 'constant' } as const]) assert.is(trainingOver(50, fixed), fixed);
});

test('step drops every so many updates', () => {
  rates({ learningRateSchedule: 'step', decaySteps: 10, decayFactor: 0.5 }, { 0: 8, 9: 8, 10: 4, 19: 4, 20: 2, 35: 1 });
  rates({ learningRateSchedule: 'step', decaySteps: 10, decayFactor: 0.5, warmupSteps: 16 }, { 7: 4, 15: 8, 16: 4, 20: 2 });
});

test.run();
