/**
 * Every sampler on data whose ideal denoiser is known: x_0 ~ N(0, s²) sample by sample, so that
 * ε*(x, t) = √(1−ᾱ)·x/(ᾱ·s² + 1−ᾱ). All updates are then linear, and the variance of what comes out follows in closed
 * form. Theory is computed from the papers' own formulas; held against it are our coefficients, once as a recursion in
 * float64, and once by the GPU's kernels with seeded noise.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../../../src/autograd/executable.ts';
import { planTape } from '../../../../src/autograd/plan.ts';
import { Tape } from '../../../../src/autograd/tape.ts';
import type { SamplerOptions } from '../../../../src/diffwave/sampling/samplers/choose.ts';
import { chooseSampler } from '../../../../src/diffwave/sampling/samplers/choose.ts';
import type { Sampler } from '../../../../src/diffwave/sampling/samplers/sampler.ts';
import type { Prediction } from '../../../../src/ops/diffuse.ts';
import type { Level } from '../../../../src/diffwave/schedule/level.ts';
import { clean, dataPrediction } from '../../../../src/diffwave/schedule/level.ts';
import { noiseSchedule, scheduleOf } from '../../../../src/diffwave/schedule/schedule.ts';
import { noise, noiseValues } from '../../../../src/ops/noise.ts';
import { impose } from '../../../../src/ops/renoise.ts';
import type { ReverseCoefficients } from '../../../../src/ops/reverse.ts';
import { reverseStep, reverseValues } from '../../../../src/ops/reverse.ts';
import { assertClose } from '../../../close.ts';
import { gpuForTests } from '../../../gpuForTests.ts';
import { classic } from '../../classic.ts';

const test = suite('samplers on a Gaussian');

const T = 200;
const schedule = noiseSchedule({ steps: T, betaEnd: 0.05 }); // ends at ᾱ = 0.006
const s2 = 0.25; // of the data
const STEPS = [5, 10, 20, 50, T];

/** Variance of x at a level, if it is distributed as the forward process has it. */
const marginal = ({ alphaBar }: Level): number => alphaBar * s2 + 1 - alphaBar;
/** ε* = κ·x. */
const idealFactor = (level: Level): number => Math.sqrt(1 - level.alphaBar) / marginal(level);
/** E(x_0 | x) = κ_0·x. */
const idealData = (level: Level): number => (Math.sqrt(level.alphaBar) * s2) / marginal(level);

interface Walk {
  readonly sampler: Sampler;
  readonly levels: readonly Level[];
}

const nextOf = (levels: readonly Level[], i: number): Level => levels[i - 1] ?? clean;

/** Variance after ancestral steps: x' = (x − β/√(1−ᾱ)·ε*)/√α + σ·z (Ho et al. 2020, algorithm 2). */
function ancestralTheory(levels: readonly Level[], kind: 'beta' | 'posterior'): number {
  let variance = marginal(levels.at(-1)!);
  for (let i = levels.length - 1; i >= 0; i--) {
    const [from, to] = [levels[i]!, nextOf(levels, i)];
    const beta = 1 - from.alphaBar / to.alphaBar;
    const gain = (1 - (beta / Math.sqrt(1 - from.alphaBar)) * idealFactor(from)) / Math.sqrt(1 - beta);
    const drawn = kind === 'beta' ? beta : ((1 - to.alphaBar) / (1 - from.alphaBar)) * beta;
    variance = gain ** 2 * variance + (i > 0 ? drawn : 0);
  }
  return variance;
}

/** x' = √ᾱ_s·E(x_0|x) + √(1−ᾱ_s−σ²)·ε* + σ·z (Song et al. 2021, eq. 12 and 16). */
function ddimTheory(levels: readonly Level[], eta: number): number {
  let variance = marginal(levels.at(-1)!);
  for (let i = levels.length - 1; i >= 0; i--) {
    const [from, to] = [levels[i]!, nextOf(levels, i)];
    const drawn = eta ** 2 * ((1 - to.alphaBar) / (1 - from.alphaBar)) * (1 - from.alphaBar / to.alphaBar);
    const gain = Math.sqrt(to.alphaBar) * idealData(from) + Math.sqrt(1 - to.alphaBar - drawn) * idealFactor(from);
    variance = gain ** 2 * variance + drawn;
  }
  return variance;
}

/** x = g·x_T: the second-order recursion of Lu et al. 2022, algorithm 2, for g. */
function dpmSolverTheory(levels: readonly Level[]): number {
  const lambda = ({ alphaBar }: Level): number => 0.5 * Math.log(alphaBar / (1 - alphaBar));
  let g = 1;
  let before: { x0: number; h: number } | undefined;
  for (let i = levels.length - 1; i > 0; i--) {
    const [from, to] = [levels[i]!, levels[i - 1]!];
    const h = lambda(to) - lambda(from);
    const x0 = idealData(from) * g;
    const D = before ? x0 + (h / before.h / 2) * (x0 - before.x0) : x0;
    g = Math.sqrt((1 - to.alphaBar) / (1 - from.alphaBar)) * g - Math.sqrt(to.alphaBar) * Math.expm1(-h) * D;
    before = { x0, h };
  }
  return (idealData(levels[0]!) * g) ** 2 * marginal(levels.at(-1)!);
}

/** The coefficients of every step, from the noisiest level, and κ there: the network's output is κ·x. */
function stepsOf({ sampler, levels }: Walk, prediction: Prediction): { kappa: number; coefficients: ReverseCoefficients }[] {
  return levels.map((from, i) => {
    const coefficients = {
      ...dataPrediction(from, prediction), ...sampler.step({ from, to: nextOf(levels, i), previous: levels[i + 1] }),
    };
    // v = √ᾱ·ε − √(1−ᾱ)·x_0
    const v = Math.sqrt(from.alphaBar) * idealFactor(from) - Math.sqrt(1 - from.alphaBar) * idealData(from);
    return { kappa: prediction === 'v' ? v : idealFactor(from), coefficients };
  }).reverse();
}

/** Our coefficients as a recursion for the covariance of (x, x̂_0 of the step before). */
function recursion(walk: Walk, prediction: Prediction): number {
  let [xx, xp, pp] = [marginal(walk.levels.at(-1)!), 0, 0];
  for (const { kappa, coefficients: of } of stepsOf(walk, prediction)) {
    const toX0 = of.fromX + of.fromOutput * kappa;
    const toX = of.ofX + of.ofX0 * toX0;
    const next = toX ** 2 * xx + 2 * toX * of.ofPrevious * xp + of.ofPrevious ** 2 * pp + of.ofNoise ** 2;
    [xx, xp, pp] = [next, toX0 * (toX * xx + of.ofPrevious * xp), toX0 ** 2 * xx];
  }
  return xx;
}

const samples = 2 ** 17;

/** The same walk by the GPU's kernels on so many samples; returns the variance that comes out. */
async function monteCarlo(walk: Walk, prediction: Prediction): Promise<number> {
  const tape = new Tape();
  const [x, output, previous] = ['x', 'output', 'previous'].map((name) => tape.input(name, [1, samples]));
  const none = tape.constant('none', [1, samples], new Float32Array(samples));
  const ideal = impose(tape, { x: output!, known: x!, noise: none }); // κ·x
  const z = noise(tape, { B: 1, L: samples, stream: 6 });
  reverseStep(tape, { x: x!, output: ideal, noise: z, previous });
  const executable = await Executable.build(await gpuForTests(), planTape(tape));
  const starting = new Tape();
  noise(starting, { B: 1, L: samples, stream: 5, into: starting.external('x', [1, samples], executable.range(x!)) });
  const start = await Executable.build(await gpuForTests(), planTape(starting));
  start.run(noiseValues({ seed: 1, step: 0 }));
  const unit = await executable.read(x!);
  const deviation = Math.sqrt(marginal(walk.levels.at(-1)!));
  executable.write(x!, unit.map((value) => deviation * value));
  executable.write(previous!, new Float32Array(samples));
  const whole = { windowStart: 0, coreStart: 0, coreEnd: samples, gapStart: 0, gapEnd: 0, noiseLevel: 0 };
  stepsOf(walk, prediction).forEach(({ kappa, coefficients }, step) => {
    executable.run({ ...whole, ...reverseValues(coefficients), ...noiseValues({ seed: 1, step }), signalLevel: kappa });
  });
  const made = await executable.read(x!);
  for (const program of [executable, start]) program.destroy();
  return made.reduce((sum, value) => sum + value * value, 0) / samples;
}

const CASES: { options: SamplerOptions; theory: (levels: readonly Level[]) => number }[] = [
  { options: { sampler: 'ddpm', variance: 'beta' }, theory: (levels) => ancestralTheory(levels, 'beta') },
  { options: { sampler: 'ddpm', variance: 'posterior' }, theory: (levels) => ancestralTheory(levels, 'posterior') },
  { options: { sampler: 'ddim' }, theory: (levels) => ddimTheory(levels, 0) },
  { options: { sampler: 'ddim', eta: 0.5 }, theory: (levels) => ddimTheory(levels, 0.5) },
  { options: { sampler: 'dpm++' }, theory: dpmSolverTheory },
];

// An estimate of a variance from n normals is off by √(2/n) of it, 0.4 % for 2^17 samples: five times that.
const monteCarloTolerance = 5 * Math.sqrt(2 / samples);

for (const { options, theory } of CASES) {
  const name = Object.values(options).join(' ');
  test(`${name}: the variance at ${STEPS.join(', ')} steps is the theory's`, async () => {
    for (const steps of STEPS) {
      for (const spacing of ['time', 'log-snr'] as const) {
        const walk = chooseSampler({ ...options, steps, spacing }, schedule);
        const want = [theory(walk.levels)];
        for (const prediction of ['epsilon', 'v'] as const) {
          const what = `${name}, ${steps} steps, ${spacing}, ${prediction}`;
          assertClose([recursion(walk, prediction)], want, { rtol: 1e-9, what });
        }
        if (spacing === 'time') {
          assertClose([await monteCarlo(walk, 'epsilon')], want, { rtol: monteCarloTolerance, what: `${name}, ${steps} steps, by the GPU` });
        }
      }
    }
    const walk = chooseSampler({ ...options, steps: 10 }, schedule);
    assertClose([await monteCarlo(walk, 'v')], [theory(walk.levels)], { rtol: monteCarloTolerance, what: `${name}, v, by the GPU` });
  });
}

test('fast sampling: the variance of its six steps is the theory\'s', async () => {
  const walk = chooseSampler({ sampler: 'fast' }, schedule);
  const want = [ancestralTheory(walk.levels, 'posterior')];
  assertClose([recursion(walk, 'epsilon')], want, { rtol: 1e-9, what: 'recursion' });
  assertClose([await monteCarlo(walk, 'epsilon')], want, { rtol: monteCarloTolerance, what: 'by the GPU' });
});

test('more steps bring the variance to the data\'s, and second order gets there sooner', () => {
  const error = (options: SamplerOptions): number => {
    const walk = chooseSampler({ ...options, spacing: 'log-snr' }, schedule);
    return Math.abs(recursion(walk, 'epsilon') / s2 - 1);
  };
  for (const sampler of ['ddim', 'dpm++'] as const) {
    const errors = [5, 10, 20, 50].map((steps) => error({ sampler, steps }));
    errors.slice(1).forEach((value, i) => assert.ok(value < errors[i]!, `${sampler}: ${errors}`));
  }
  // At T steps nothing is left to choose, and the schedule's own uneven steps are a limit.
  assert.ok(error({ sampler: 'ddim', steps: T }) < 0.02);
  assert.ok(error({ sampler: 'dpm++', steps: T }) < 0.003);
  for (const steps of [10, 20, 50]) {
    assert.ok(error({ sampler: 'dpm++', steps }) < error({ sampler: 'ddim', steps }) / 2, `${steps} steps`);
  }
});

test('from pure noise, where ᾱ_T = 0 and the network predicts v, every sampler comes to the data\'s variance', () => {
  const { model } = classic;
  const zero = scheduleOf({ ...model, diffusionSteps: T, betaEnd: 0.05, zeroTerminalSnr: true });
  assert.is(zero.alphaBar[T - 1], 0);
  for (const options of CASES.map((each) => each.options)) {
    // The posterior's variance is a lower bound (Ho et al. 2020, section 3.2): what it makes is 5 % too quiet.
    for (const spacing of ['time', 'log-snr'] as const) {
      const what = `${Object.values(options).join(' ')}, ${spacing}`;
      assertClose([recursion(chooseSampler({ ...options, spacing }, zero), 'v')], [s2], { rtol: 0.06, what });
      assert.ok(Number.isFinite(recursion(chooseSampler({ ...options, steps: 7, spacing }, zero), 'v')), `${what}, 7 steps`);
    }
  }
  const [noisiest] = chooseSampler({}, zero).levels.slice(-1);
  assert.throws(() => dataPrediction(noisiest!, 'epsilon'), /cannot begin where ᾱ = 0/);
});

test('DDIM with η = 1 is ancestral sampling with the posterior\'s variance', () => {
  const [random, posterior] = [{ sampler: 'ddim', eta: 1 }, { variance: 'posterior' }] as const;
  const [a, b] = [random, posterior].map((options) => chooseSampler({ ...options, steps: 20 }, schedule));
  stepsOf(a!, 'epsilon').forEach(({ coefficients }, i) => {
    const want = Object.entries(stepsOf(b!, 'epsilon')[i]!.coefficients);
    for (const [name, value] of want) {
      assertClose([coefficients[name as keyof ReverseCoefficients]], [value], { atol: 1e-7, what: `${name} of step ${i}` });
    }
  });
});

test.run();
