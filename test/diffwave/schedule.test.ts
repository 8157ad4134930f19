import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noiseSchedule } from '../../src/diffwave/schedule.ts';
import { UserError } from '../../src/errors.ts';
import { reverseStep } from '../../src/reference/reverse.ts';
import { assertClose } from '../close.ts';

const test = suite('schedule');
// 1 − ᾱ_t is a difference of numbers near 1: at t = 0 its relative error is 2^-53 / 1e-4 = 1e-12.
const NEAR = { rtol: 1e-11 };

const SCHEDULES = [
  { steps: 200, betaStart: 1e-4, betaEnd: 0.02 },
  { steps: 50, betaStart: 1e-4, betaEnd: 0.2 },
  { steps: 2, betaStart: 0.3, betaEnd: 0.3 },
  { steps: 1, betaStart: 0.5, betaEnd: 0.9 },
];

test('β is linear from start to end, with Ho et al.’s ends as the default', () => {
  assertClose(noiseSchedule({ steps: 3, betaStart: 0.1, betaEnd: 0.5 }).beta, [0.1, 0.3, 0.5],
    { rtol: 1e-15, what: 'three steps' });
  const { beta, steps } = noiseSchedule({ steps: 1000 });
  assert.equal([beta[0], beta[999], beta.length, steps], [1e-4, 0.02, 1000, 1000]);
});

test('ᾱ is the product of 1 − β, and every level follows from it', () => {
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    const logs = s.beta.map((beta) => Math.log1p(-beta));
    const alphaBar = logs.map((_, t) => Math.exp(logs.subarray(0, t + 1).reduce((sum, log) => sum + log, 0)));
    assertClose(s.alphaBar, alphaBar, { ...NEAR, what: 'alphaBar' });
    assertClose(s.sqrtAlphaBar.map((x) => x * x), alphaBar, { ...NEAR, what: 'signal level' });
    assertClose(s.sqrtOneMinusAlphaBar.map((x) => x * x), alphaBar.map((x) => 1 - x), { ...NEAR, what: 'noise level' });
    assertClose(s.inverseSqrtAlpha.map((x) => 1 / (x * x)), s.alpha, { ...NEAR, what: 'inverseSqrtAlpha' });
    const numerator = s.noiseCoefficient.map((x, t) => x * s.sqrtOneMinusAlphaBar[t]);
    assertClose(numerator, s.beta, { ...NEAR, what: 'noiseCoefficient' });
  }
});

test('the posterior is Bayes’ product of two Gaussians', () => {
  // q(x_{t−1} | x_t, x_0) ∝ N(x_t; √α x_{t−1}, β) · N(x_{t−1}; √ᾱ_{t−1} x_0, 1 − ᾱ_{t−1}): precisions add up.
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    for (let t = 1; t < s.steps; t++) {
      const prior = 1 / (1 - s.alphaBar[t - 1]);
      const precision = s.alpha[t] / s.beta[t] + prior;
      const fromXt = Math.sqrt(s.alpha[t]) / s.beta[t] / precision;
      const fromX0 = (Math.sqrt(s.alphaBar[t - 1]) * prior) / precision;
      const got = [s.posteriorVariance[t], s.posteriorMeanOfXt[t], s.posteriorMeanOfX0[t]];
      assertClose(got, [1 / precision, fromXt, fromX0], { ...NEAR, what: `t = ${t} of ${s.steps}` });
    }
  }
});

test('the reverse step’s mean is the posterior’s at the x_0 that the noise implies (eq. 11 is eq. 7)', () => {
  const [xt, noise] = [0.7, -1.3];
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    for (let t = 0; t < s.steps; t++) {
      const x0 = (xt - s.sqrtOneMinusAlphaBar[t] * noise) / s.sqrtAlphaBar[t];
      const posterior = s.posteriorMeanOfX0[t] * x0 + s.posteriorMeanOfXt[t] * xt;
      const reverse = reverseStep({
        noisy: Float64Array.of(xt), predicted: Float64Array.of(noise), noise: Float64Array.of(1),
        inverseSqrtAlpha: s.inverseSqrtAlpha[t], noiseCoefficient: s.noiseCoefficient[t], sigma: 0,
      });
      assertClose(reverse, [posterior], { atol: 1e-11, what: `t = ${t} of ${s.steps}` });
    }
  }
});

test('the last reverse step returns x_0 and adds no noise, with either variance', () => {
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    assertClose([s.posteriorVariance[0], s.posteriorMeanOfXt[0]], [0, 0], { what: 'x_0 alone matters' });
    assertClose([s.posteriorMeanOfX0[0]], [1], { ...NEAR, what: 'factor of x_0' });
    const [beta, posterior] = [s.sigma('beta'), s.sigma('posterior')];
    assert.equal([beta[0], posterior[0]], [0, 0]);
    for (let t = 1; t < s.steps; t++) {
      assertClose([beta[t] ** 2], [s.beta[t]], { ...NEAR, what: 'σ² = β' });
      assertClose([posterior[t] ** 2], [s.posteriorVariance[t]], { ...NEAR, what: 'σ² = β̃' });
      assert.ok(posterior[t] < beta[t], 'β̃ is below β');
    }
  }
});

test('one step', () => {
  const s = noiseSchedule({ steps: 1 });
  assert.equal([...s.beta], [1e-4]);
  assert.equal([...s.sigma('beta')], [0]);
});

test('bad schedules are the user’s to mend', () => {
  const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);
  for (const steps of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => noiseSchedule({ steps }), isUserError(/diffusion steps must be .* not/));
  }
  for (const [betaStart, betaEnd] of [[0, 0.1], [0.2, 0.1], [0.1, 1], [NaN, 0.1], [0.1, NaN]]) {
    assert.throws(() => noiseSchedule({ steps: 10, betaStart, betaEnd }), isUserError(/betaStart .* betaEnd/));
  }
});

test.run();
