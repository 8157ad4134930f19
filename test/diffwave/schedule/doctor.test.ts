/** The closed form against eq. 11 step by step, against experiments, and against the figure that it is known for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import type { Start } from '../../../src/diffwave/schedule/doctor.ts';
import { diagnose, diagnoseData, errorGain, sampledLevels, sampledPowers, smallest, startKeeps } from '../../../src/diffwave/schedule/doctor.ts';
import type { NoiseSchedule, Variance } from '../../../src/diffwave/schedule/schedule.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import type { ScheduleConfig } from '../../../src/diffwave/schedule/config.ts';
import { normals } from '../../../src/reference/random.ts';
import { reverseStep } from '../../../src/reference/reverse.ts';
import { assertClose } from '../../close.ts';

const test = suite('doctor');

const of = (fields: Partial<ScheduleConfig>): NoiseSchedule => scheduleOf({ ...PRESETS.gtzan.model, ...fields });
const variances: readonly Variance[] = ['beta', 'posterior'];
const starts: readonly Start[] = ['noise', 'true'];
const powers = Float64Array.of(1e-4, 0.1, 1, 25, 1e3);

test('β linear to 0.02, T = 200: ᾱ_T is 0.13, and a bin 14 dB over the noise comes out at 0.63 of its level', () => {
  const { alphaBar, snrDecibels, verdict } = diagnose(of({}), 'beta');
  assert.equal([alphaBar.toFixed(2), snrDecibels.toFixed(1)], ['0.13', '-8.2']);
  assert.equal([verdict.decibels, verdict.noise.toFixed(2), verdict.true.toFixed(2)], [14, '0.63', '1.00']);
  assert.ok(Math.abs(startKeeps({ verdict }) - 0.63) < 0.005);
});

test('it is eq. 11 with the ideal ε, walked step by step', () => {
  for (const schedule of [of({}), of({ schedule: 'cosine', diffusionSteps: 20 }), of({ diffusionSteps: 1 })]) {
    for (const variance of variances) {
      for (const start of starts) {
        const wanted = powers.map((S) => {
          const { steps, alphaBar, inverseSqrtAlpha, noiseCoefficient } = schedule;
          const sigmas = schedule.sigma(variance);
          // What becomes of x_T = 1 without noise, and of the noise of every step: squares of independent parts add up.
          let [signal, noise] = [1, 0];
          for (let t = steps - 1; t >= 0; t--) {
            const ideal = Math.sqrt(1 - alphaBar[t]!) / (alphaBar[t]! * S + 1 - alphaBar[t]!); // E[ε | x_t = 1]
            const step = (sigma: number) => reverseStep({
              noisy: Float64Array.of(1), predicted: Float64Array.of(ideal), noise: Float64Array.of(1),
              inverseSqrtAlpha: inverseSqrtAlpha[t]!, noiseCoefficient: noiseCoefficient[t]!, sigma,
            })[0];
            signal *= step(0)!;
            noise = noise * step(0)! ** 2 + sigmas[t]! ** 2;
          }
          const begin = start === 'noise' ? 1 : alphaBar[steps - 1]! * S + 1 - alphaBar[steps - 1]!;
          return begin * signal ** 2 + noise;
        });
        assertClose(sampledPowers({ schedule, variance, start, powers }), wanted, { rtol: 1e-9, what: `${start}, ${variance}` });
      }
    }
  }
});

test('it is what sampling with the ideal v gives, zero terminal SNR included', () => {
  const length = 20_000;
  const schedule = of({ schedule: 'cosine', diffusionSteps: 8, zeroTerminalSnr: true, prediction: 'v' });
  const { steps, sqrtAlphaBar, sqrtOneMinusAlphaBar, posteriorMeanOfX0, posteriorMeanOfXt } = schedule;
  for (const [index, variance] of variances.entries()) {
    const sigmas = schedule.sigma(variance);
    const S = 4;
    const draw = (step: number) => normals({ seed: 11, stream: index, step, item: 0, length });
    let x = Float64Array.from(draw(steps));
    for (let t = steps - 1; t >= 0; t--) {
      const z = draw(t);
      const [signal, noise] = [sqrtAlphaBar[t], sqrtOneMinusAlphaBar[t]];
      const gain = (signal! * noise! * (1 - S)) / (signal! ** 2 * S + noise! ** 2); // E[v | x_t] = gain·x_t
      x = x.map((value, n) => {
        const clean = signal! * value - noise! * gain * value;
        return posteriorMeanOfX0[t]! * clean + posteriorMeanOfXt[t]! * value + sigmas[t]! * z[n]!;
      });
    }
    const got = x.reduce((sum, value) => sum + value * value, 0) / length;
    const [wanted] = sampledPowers({ schedule, variance, start: 'noise', powers: Float64Array.of(S) });
    // A mean of 20,000 squares has a relative standard deviation of √(2/20000) = 1 %.
    assert.ok(Math.abs(got - wanted!) <= 0.05 * wanted!, `${variance}: ${got}, formula ${wanted}`);
  }
});

test('from the true x_T, and with many steps, every bin comes out as it was; at zero terminal SNR the start is true', () => {
  const decibels = [-10, 0, 10, 20, 30];
  for (const variance of variances) {
    assertClose(sampledLevels({ schedule: of({ diffusionSteps: 4000 }), variance, start: 'true', decibels }), [1, 1, 1, 1, 1],
      { atol: 0.01, what: variance });
    const schedule = of({ zeroTerminalSnr: true, prediction: 'v' });
    const [noise, truth] = starts.map((start) => sampledLevels({ schedule, variance, start, decibels }));
    assert.equal(noise, truth);
    assert.is(diagnose(schedule, variance).snrDecibels, -Infinity);
  }
});

test('how much an error of the prediction matters: eq. 11 for ε, and never much for v', () => {
  for (const schedule of [of({}), of({ schedule: 'cosine', diffusionSteps: 50 }), of({ diffusionSteps: 50, betaEnd: 0.2 })]) {
    const moved = schedule.beta.map((_, t) => {
      const [right, wrong] = [0, 1].map((predicted) => reverseStep({
        noisy: Float64Array.of(0.5), predicted: Float64Array.of(predicted), noise: Float64Array.of(0),
        inverseSqrtAlpha: schedule.inverseSqrtAlpha[t]!, noiseCoefficient: schedule.noiseCoefficient[t]!, sigma: 0,
      })[0]);
      return Math.abs(wrong! - right!);
    });
    assertClose([errorGain(schedule, 'epsilon')], [Math.max(...moved)], { rtol: 1e-9, what: 'ε' });
    assert.ok(errorGain(schedule, 'v') <= 0.1);
  }
  assert.is(errorGain(of({ schedule: 'cosine' }), 'epsilon').toFixed(1), '31.6');
  assert.ok(errorGain(of({ schedule: 'cosine', zeroTerminalSnr: true, prediction: 'v' }), 'v') <= 0.1);
});

test('what a data set means: its levels, its loudest bins, the power that comes out', () => {
  const schedule = of({});
  const spectra = [Float64Array.of(0, 25, 0), Float64Array.of(0, 1, 0)];
  const { mean, loudest, loudestOfClip, level, kept } = diagnoseData(spectra, { schedule, variance: 'beta' });
  // The middle one of three bins stands for half of the axis.
  assertClose([mean, loudest, loudestOfClip], [6.5, 13, 25].map((power) => 10 * Math.log10(power)), { atol: 1e-9, what: 'dB' });
  const out = (S: number) => sampledPowers({ schedule, variance: 'beta', start: 'noise', powers: Float64Array.of(S) })[0];
  assertClose([level], [Math.sqrt(out(25)! / 25)], { rtol: 1e-12, what: 'level' });
  assertClose([kept], [(out(25)! + out(1)! + 2 * out(0)!) / 26], { rtol: 1e-12, what: 'power' });
});

test('the smallest of those that will do', () => {
  const candidates = [1, 3, 5, 7, 9];
  for (const least of [0, 1, 2, 5, 9]) {
    assert.is(smallest(candidates, (value) => value >= least), candidates.find((value) => value >= least));
  }
  assert.is(smallest(candidates, () => false), undefined);
  assert.is(smallest([], () => true), undefined);
});

test.run();
