/** The comparison of samples with the classes that they were asked for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareClasses } from '../../src/evaluation/classes.ts';
import { UserError } from '../../src/errors.ts';
import { noise, sine } from '../audio/helpers.ts';

const test = suite('classes');

const sampleRate = 7350;
const length = sampleRate;
/** Class 0 is hiss, class 1 low tones, class 2 high ones. */
const soundOf = (label: number, seed: number): Float32Array =>
  (label === 0 ? noise(length, seed) : sine({ hertz: (label === 1 ? 200 : 1500) + seed, sampleRate, samples: length }));
const clips = (perClass: number, first: number, classes = 3) => ({
  clipCount: classes * perClass, clipSamples: length,
  clip: (i: number) => soundOf(i % classes, first + Math.floor(i / classes)), label: (i: number) => i % classes,
});
const known = { training: clips(4, 1), heldOut: clips(2, 20), sampleRate, spectrum: new Float64Array(129).fill(0.1) };

test('samples of their class are found, those of another class are not, and music itself says what can be hoped for', () => {
  const labels = [0, 1, 2, 0, 1, 2];
  const right = compareClasses({ ...known, labels, samples: labels.map((label, i) => soundOf(label, 30 + i)) });
  assert.equal(right.classes.map(({ label, pieces, nearest }) => [label, pieces, nearest]), [[0, 2, 2], [1, 2, 2], [2, 2, 2]]);
  assert.equal([right.rate, right.heldOut, right.chance], [1, 1, 1 / 3]);
  for (const { label, logSpectrum } of right.classes) assert.is(logSpectrum.indexOf(Math.min(...logSpectrum)), label);
  const turned = compareClasses({ ...known, labels, samples: labels.map((label, i) => soundOf((label + 1) % 3, 30 + i)) });
  assert.equal([turned.rate, turned.heldOut], [0, 1]);
});

test('the rate falls with every sample that is of another class', () => {
  const labels = [0, 0, 0, 0];
  const rates = [0, 1, 2, 3, 4].map((wrong) =>
    compareClasses({ ...known, labels, samples: labels.map((label, i) => soundOf(i < wrong ? 2 : label, 40 + i)) }).rate);
  assert.equal(rates, [1, 0.75, 0.5, 0.25, 0]);
});

test('what cannot be compared is said', () => {
  const samples = [soundOf(0, 1)];
  const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);
  assert.throws(() => compareClasses({ ...known, training: clips(2, 1, 1), samples, labels: [0] }), isUserError(/no two classes/));
  assert.throws(() => compareClasses({ ...known, samples, labels: [5] }), isUserError(/no training clips of class 5/));
});

test.run();
