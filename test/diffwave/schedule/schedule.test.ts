import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import type { ScheduleConfig } from '../../../src/diffwave/schedule/config.ts';
import { noiseSchedule, scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import { UserError } from '../../../src/errors.ts';
import { reverseStep } from '../../../src/reference/reverse.ts';
import { assertClose } from '../../close.ts';

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
    const numerator = s.noiseCoefficient.map((x, t) => x * s.sqrtOneMinusAlphaBar[t]!);
    assertClose(numerator, s.beta, { ...NEAR, what: 'noiseCoefficient' });
  }
});

test('the posterior is Bayes’ product of two Gaussians', () => {
  // q(x_{t−1} | x_t, x_0) ∝ N(x_t; √α x_{t−1}, β) · N(x_{t−1}; √ᾱ_{t−1} x_0, 1 − ᾱ_{t−1}): precisions add up.
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    for (let t = 1; t < s.steps; t++) {
      const prior = 1 / (1 - s.alphaBar[t - 1]!);
      const precision = s.alpha[t]! / s.beta[t]! + prior;
      const fromXt = Math.sqrt(s.alpha[t]!) / s.beta[t]! / precision;
      const fromX0 = (Math.sqrt(s.alphaBar[t - 1]!) * prior) / precision;
      const got = [s.posteriorVariance[t]!, s.posteriorMeanOfXt[t]!, s.posteriorMeanOfX0[t]!];
      assertClose(got, [1 / precision, fromXt, fromX0], { ...NEAR, what: `t = ${t} of ${s.steps}` });
    }
  }
});

test('the reverse step’s mean is the posterior’s at the x_0 that the noise implies (eq. 11 is eq. 7)', () => {
  const [xt, noise] = [0.7, -1.3];
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    for (let t = 0; t < s.steps; t++) {
      const x0 = (xt - s.sqrtOneMinusAlphaBar[t]! * noise) / s.sqrtAlphaBar[t]!;
      const posterior = s.posteriorMeanOfX0[t]! * x0 + s.posteriorMeanOfXt[t]! * xt;
      const reverse = reverseStep({
        noisy: Float64Array.of(xt), predicted: Float64Array.of(noise), noise: Float64Array.of(1),
        inverseSqrtAlpha: s.inverseSqrtAlpha[t]!, noiseCoefficient: s.noiseCoefficient[t]!, sigma: 0,
      });
      assertClose(reverse, [posterior], { atol: 1e-11, what: `t = ${t} of ${s.steps}` });
    }
  }
});

test('the last reverse step returns x_0 and adds no noise, with either variance', () => {
  for (const options of SCHEDULES) {
    const s = noiseSchedule(options);
    assertClose([s.posteriorVariance[0]!, s.posteriorMeanOfXt[0]!], [0, 0], { what: 'x_0 alone matters' });
    assertClose([s.posteriorMeanOfX0[0]!], [1], { ...NEAR, what: 'factor of x_0' });
    const [beta, posterior] = [s.sigma('beta'), s.sigma('posterior')];
    assert.equal([beta[0], posterior[0]], [0, 0]);
    for (let t = 1; t < s.steps; t++) {
      assertClose([beta[t]! ** 2], [s.beta[t]!], { ...NEAR, what: 'σ² = β' });
      assertClose([posterior[t]! ** 2], [s.posteriorVariance[t]!], { ...NEAR, what: 'σ² = β̃' });
      assert.ok(posterior[t]! < beta[t]!, 'β̃ is below β');
    }
  }
});

const of = (fields: Partial<ScheduleConfig>) => scheduleOf({ ...PRESETS.gtzan.model, ...fields });

test('a model without a word on its schedule has the linear one', () => {
  assert.equal([...of({}).beta], [...noiseSchedule({ steps: 200 }).beta]);
  assert.equal([...of({ diffusionSteps: 7, betaEnd: 0.5 }).beta], [...noiseSchedule({ steps: 7, betaEnd: 0.5 }).beta]);
});

test('cosine: ᾱ is eq. 17 but for the last steps, where β is clipped at 0.999', () => {
  for (const steps of [1, 2, 50, 1000]) {
    const { alphaBar, beta } = of({ schedule: 'cosine', diffusionSteps: steps });
    // cos² by the half-angle formula, so that the test is not the code again.
    const f = (t: number) => (1 + Math.cos(Math.PI * ((t / steps + 0.008) / 1.008))) / 2;
    const wanted = Array.from({ length: steps - 1 }, (_, t) => f(t + 1) / f(0));
    if (steps > 1) assertClose(alphaBar.slice(0, -1), wanted, { rtol: 1e-9, what: `T = ${steps}` });
    assert.is(beta.at(-1), 0.999);
    assert.ok(beta.every((value, t) => t === 0 || value > beta[t - 1]!), 'β rises');
  }
  // Figure 5 of the paper: half of the signal's power is gone in the middle.
  assert.ok(Math.abs(of({ schedule: 'cosine', diffusionSteps: 1000 }).alphaBar[499]! - 0.5) < 0.02);
});

test('scaled-linear ends with about the same noise at every T, and is linear at 1000', () => {
  const scaled = (diffusionSteps: number) => of({ schedule: 'scaled-linear', diffusionSteps });
  assertClose(scaled(1000).beta, noiseSchedule({ steps: 1000 }).beta, { rtol: 1e-15, what: 'T = 1000' });
  assertClose(scaled(200).beta, noiseSchedule({ steps: 200, betaStart: 5e-4, betaEnd: 0.1 }).beta, { rtol: 1e-14, what: 'T = 200' });
  const ends = [100, 200, 500, 1000].map((steps) => Math.log(scaled(steps).alphaBar[steps - 1]!));
  for (const end of ends) assert.ok(Math.abs(end - ends[3]!) < 0.1 * -ends[3]!, String(ends));
  const few = scaled(10); // 0.02·1000/10 is 2: no variance
  assert.is(few.beta[9], 0.999);
  assert.ok(few.beta.every((value) => value > 0 && value <= 0.999));
});

test('a list is taken as it is', () => {
  const betas = [0.1, 0.3, 0.2];
  assert.equal([...of({ schedule: 'list', betas, diffusionSteps: 3 }).beta], betas);
  assert.throws(() => of({ schedule: 'list', betas, diffusionSteps: 2 }), /a list of 3 β is one of as many diffusion steps, not of 2/);
});

/** Every kind of schedule, stretched to zero terminal SNR. */
const stretched = ([
  {}, { diffusionSteps: 2 }, { schedule: 'cosine', diffusionSteps: 50 }, { schedule: 'scaled-linear', diffusionSteps: 100 },
  { schedule: 'list', betas: [0.1, 0.5, 0.2], diffusionSteps: 3 },
] as const).map((fields) => ({ plain: of(fields), zero: of({ ...fields, zeroTerminalSnr: true }) }));

test('zero terminal SNR: ᾱ_T is 0, ᾱ_1 stays, and √ᾱ is an affine function of what it was', () => {
  for (const { plain, zero } of stretched) {
    const last = plain.steps - 1;
    assert.equal([zero.alphaBar[last], zero.alpha[last], zero.beta[last], zero.sqrtOneMinusAlphaBar[last]], [0, 0, 1, 1]);
    assertClose([zero.alphaBar[0]!], [plain.alphaBar[0]!], { rtol: 1e-14, what: 'the first step' });
    const [a, b] = [plain.sqrtAlphaBar[0], plain.sqrtAlphaBar[last]];
    // Between the ends: the same part of the way down.
    assertClose(zero.sqrtAlphaBar.map((level) => level / a!), plain.sqrtAlphaBar.map((level) => (level - b!) / (a! - b!)), {
      atol: 1e-9, what: `T = ${plain.steps}`,
    });
  }
});

test('zero terminal SNR: every array is finite, and the reverse step draws x_{T−1} around x_0', () => {
  for (const { zero } of stretched) {
    const { steps, sigma, ...arrays } = zero;
    for (const [name, values] of Object.entries({ ...arrays, beta2: sigma('beta'), posterior2: sigma('posterior') })) {
      assert.is(values.length, steps);
      assert.ok(values.every(Number.isFinite), name);
    }
    const last = steps - 1;
    assert.is(zero.inverseSqrtAlpha[last], 0);
    // q(x_{T−1} | x_T, x_0) = q(x_{T−1} | x_0), as x_T knows nothing of either.
    assertClose([zero.posteriorMeanOfX0[last]!, zero.posteriorMeanOfXt[last]!, zero.posteriorVariance[last]!],
      [zero.sqrtAlphaBar[last - 1]!, 0, 1 - zero.alphaBar[last - 1]!], { atol: 1e-14, what: `T = ${steps}` });
  }
});

test('what cannot be stretched is refused in one line', () => {
  for (const fields of [{ diffusionSteps: 1 }, { diffusionSteps: 1000, betaStart: 0.99, betaEnd: 0.99 }]) {
    assert.throws(() => of({ ...fields, betaEnd: 0.99, zeroTerminalSnr: true }), /cannot be stretched to zero terminal SNR/);
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
  assert.throws(() => noiseSchedule({ steps: 3, betaStart: 1e-20 }), isUserError(/1e-20, which float64 cannot tell from 0/));
  for (const [betaStart, betaEnd] of [[0, 0.1], [0.2, 0.1], [0.1, 1], [NaN, 0.1], [0.1, NaN]]) {
    assert.throws(() => noiseSchedule({ steps: 10, betaStart, betaEnd }), isUserError(/betaStart .* betaEnd/));
  }
});

test.run();
