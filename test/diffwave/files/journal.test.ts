import { appendFileSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Journal, readValidations, savedSamples } from '../../../src/diffwave/files/journal.node.ts';
import type { Validation } from '../../../src/diffwave/validation/validation.ts';
import { decodeWav } from '../../../src/formats/wav.ts';
import { sine, temporaryFolder } from '../../audio/helpers.ts';
import { decodeMessage, readRecords, textOf } from './events.ts';

const test = suite('journal');

const validation = (step: number): Validation => ({
  step,
  loss: 1 / step,
  bins: [{ from: 0, to: 1, loss: 0.5, wiener: 0.25, zero: 1 }, { from: 2, to: 4, loss: 0.125, wiener: 0.25, zero: 1 }],
});
const tone = sine({ hertz: 440, sampleRate: 7350, samples: 2000, amplitude: 1.5 });

/** Step and tag of everything in a run's event files. */
function eventsOf(folder: string): (string | number)[][] {
  return readdirSync(folder).filter((name) => name.includes('tfevents')).flatMap((name) =>
    readRecords(readFileSync(join(folder, name))).map(decodeMessage).flatMap((event) =>
      (event.get(5) ?? []).flatMap((summary) => decodeMessage(summary).get(1)!.map((value) =>
        [event.get(2)![0] as number, textOf(decodeMessage(value).get(1)![0]!)]))));
}

test('validations, samples and progress, as files and for TensorBoard', () => {
  const folder = temporaryFolder();
  const journal = new Journal(folder);
  journal.progress({ step: 5, loss: 0.5, recent: { loss: 0.5, updates: 5 }, gradientNorm: 0.1, learningRate: 1e-3, seconds: 3, stepsPerSecond: 2, eta: 1 });
  journal.validation(validation(10));
  journal.sample(20, tone, 7350);

  assert.equal(readValidations(folder), [validation(10)]);
  const [sample] = savedSamples(folder);
  assert.is(sample!.step, 20);
  const { samples, sampleRate } = decodeWav(readFileSync(sample!.wav), 'sample');
  assert.equal([samples.length, sampleRate], [2000, 7350]);
  assert.is(readFileSync(sample!.png).toString('latin1', 1, 4), 'PNG');
  assert.equal(eventsOf(folder), [
    [5, 'training/loss'], [5, 'training/gradient norm'], [5, 'training/learning rate'], [5, 'training/updates per second'],
    [10, 'validation/loss'],
    [10, 'validation t 0-1/loss'], [10, 'validation t 0-1/Wiener'],
    [10, 'validation t 2-4/loss'], [10, 'validation t 2-4/Wiener'],
    [20, 'sample'], [20, 'spectrogram'],
  ]);
});

test('a resumed run takes back what it will do again, and a cut line', () => {
  const folder = temporaryFolder();
  const journal = new Journal(folder);
  for (const step of [10, 20, 30]) {
    journal.validation(validation(step));
    journal.sample(step, tone, 7350);
  }
  appendFileSync(join(folder, 'validation.jsonl'), '{"step":40,"lo');
  assert.equal(readValidations(folder).map(({ step }) => step), [10, 20, 30]);

  const resumed = new Journal(folder, { resumedAt: 20 });
  assert.equal(readValidations(folder).map(({ step }) => step), [10, 20]);
  assert.equal(savedSamples(folder).map(({ step }) => step), [10, 20]);
  assert.is(existsSync(join(folder, 'samples', 'step-30.png')), false);
  resumed.validation(validation(30));
  assert.equal(readValidations(folder).map(({ step }) => step), [10, 20, 30]);
});

test('a folder without any of it has none', () => {
  const folder = temporaryFolder();
  assert.equal([readValidations(folder), savedSamples(folder)], [[], []]);
});

test.run();
