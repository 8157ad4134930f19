/** One update in detail: against the float64 reference, with all options, and resumed to the bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { averageDecayAt } from '../../../src/diffwave/training/averaging.ts';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { learningRateAt } from '../../../src/diffwave/training/learningRate.ts';
import { lossWeights } from '../../../src/diffwave/training/lossWeights.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import { Trainer } from '../../../src/diffwave/training/trainer.ts';
import type { TrainOptions } from '../../../src/diffwave/training/loop.ts';
import { adam, clipped, follow } from '../../../src/reference/adam.ts';
import { diffuse, velocity } from '../../../src/reference/diffuse.ts';
import { loss, lossBackward } from '../../../src/reference/loss.ts';
import { networkBackward, networkForward } from '../../../src/reference/network.ts';
import { norm } from '../../../src/reference/norm.ts';
import { temporaryFolder } from '../../audio/helpers.ts';
import { assertClose, largest } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { config as plainConfig, dataset, noiseOf, training, trial } from '../trial.ts';

const test = suite('trainer');

/** Every option that changes an update. */
const allOptions: Partial<TrainingConfig> = {
  warmupSteps: 2, learningRateSchedule: 'cosine', decaySteps: 15, weightDecay: 0.1, clipNorm: 0.05, minSnr: 5,
  timesteps: 'stratified', polarityFlip: true, gainDb: 6,
};

/** v from cosine noise at zero terminal SNR. */
const velocityConfig: DiffWaveConfig = {
  ...plainConfig, diffusionSteps: 3, schedule: 'cosine', zeroTerminalSnr: true, prediction: 'v',
};

for (const [name, options, config] of [
  ['Adam', {}, plainConfig], ['everything together', allOptions, plainConfig],
  ['v-prediction', {}, velocityConfig], ['v-prediction with everything together', allOptions, velocityConfig],
] as const) {
  test(`three steps of ${name} follow the float64 reference`, () => followReference(config, { ...training, ...options }));
}

async function followReference(config: DiffWaveConfig, training: TrainingConfig): Promise<void> {
  const model = DiffWave.create(await gpuForTests(), config, { seed: 5 });
  const [B, L] = [training.batchSize, training.cropSamples!];
  const initial = await model.weights();
  // The last convolution begins at zero, and nothing before it would have a gradient in step 1.
  initial.get('output_projection.weight')!.forEach((_, i, weight) => (weight[i] = Math.cos(i + 1)));
  model.parameters.write(model.parameters.values, initial);

  const parameters = new Map([...initial].map(([name, values]) => [name, Float64Array.from(values)]));
  const moments = new Map([...initial].map(([name, { length }]) =>
    [name, { m: new Float64Array(length), v: new Float64Array(length) }]));
  /** By parameter, the smallest |gradient| that each number has had, relative to the largest of its tensor. */
  const smallest = new Map([...initial].map(([name, { length }]) => [name, new Float64Array(length).fill(Infinity)]));
  const averages = new Map([...parameters].map(([name, values]) => [name, values.slice()]));
  const batches = new BatchSource(dataset, { ...training, B, L, T: config.diffusionSteps });
  const schedule = scheduleOf(config);
  const { sqrtAlphaBar, sqrtOneMinusAlphaBar } = schedule;
  const weightAt = lossWeights(schedule, { gamma: training.minSnr, prediction: config.prediction });
  const trainer = await Trainer.create({ model, training, L });
  const wantedLosses: number[] = [];
  const wantedNorms: number[] = [];
  let sawLastStep = false;

  for (let step = 0; step < 3; step++) {
    const batch = batches.at(step);
    trainer.update(batch);
    sawLastStep ||= batch.t.includes(config.diffusionSteps - 1);

    const epsilon = noiseOf({ step, B, L });
    const levelsOf = (level: Float64Array): number[] => batch.t.map((t) => level[t]!);
    const [signalLevel, noiseLevel] = [levelsOf(sqrtAlphaBar), levelsOf(sqrtOneMinusAlphaBar)];
    const given = { audio: Float64Array.from(batch.audio), noise: epsilon, signalLevel, noiseLevel, B, L };
    const noisy = diffuse(given);
    const target = config.prediction === 'v' ? velocity(given) : epsilon;
    const input = { config, parameters, noisy, t: batch.t, B, L };
    const trace = networkForward(input);
    const pair = { kind: config.loss, predicted: trace.predicted, target, weight: batch.t.map((t) => weightAt[t]!) };
    wantedLosses.push(loss(pair));
    const gradients = networkBackward({ ...input, trace, dPredicted: lossBackward(pair) });
    const size = norm(Float64Array.from([...gradients.values()].flatMap((gradient) => [...gradient])));
    wantedNorms.push(size);
    const max = training.clipNorm ?? Infinity;
    assert.ok(training.clipNorm === null || size > max, `a norm of ${size} is clipped at ${max}`);
    const learningRate = learningRateAt(training, step);
    const decay = averageDecayAt(step, training.emaDecay);
    for (const [name, gradient] of gradients) {
      const scale = largest(gradient);
      const relative = smallest.get(name)!;
      gradient.forEach((value, i) => (relative[i] = Math.min(relative[i]!, Math.abs(value) / scale)));
      const value = parameters.get(name)!;
      const scaled = clipped({ gradient, norm: size, max });
      adam({ ...training, learningRate, value, gradient: scaled, ...moments.get(name)!, step: step + 1 });
      follow({ average: averages.get(name)!, value, decay });
    }
  }

  assert.ok(sawLastStep || !config.zeroTerminalSnr, 'the step without any signal is among them');
  assertClose(await trainer.losses(3), wantedLosses, { rtol: 1e-5, what: 'losses' });
  assertClose(await trainer.norms(3), wantedNorms, { rtol: 1e-4, what: 'norms of the gradient' });
  const got = await model.weights();
  const { average } = await trainer.optimizerState();
  let [plain, all] = [0, 0];
  for (const [name, want] of parameters) {
    const keep = (_: unknown, i: number) => smallest.get(name)![i]! >= 1e-3;
    const [subset, wanted] = [got.get(name)!.filter(keep), want.filter(keep)];
    plain += wanted.length;
    all += want.length;
    // Where the gradient is large enough for its sign to be sure, a hundredth of a step; elsewhere Adam, who divides by
    // the gradient's size, may turn a rounding difference into a step in the other direction.
    if (wanted.length > 0) assertClose(subset, wanted, { atol: training.learningRate / 100, what: name });
    assertClose(got.get(name)!, want, { atol: 3 * 2 * training.learningRate, what: `${name}, small gradients too` });
    const mean = averages.get(name)!;
    if (wanted.length > 0) {
      assertClose(average!.get(name)!.filter(keep), mean.filter(keep), { atol: training.learningRate / 100, what: `mean ${name}` });
    }
  }
  assert.ok(plain > 0.8 * all, `${plain} of ${all} numbers were held to the tight tolerance`);
  trainer.destroy();
  model.destroy();
}

test('the average lags behind the weights, and is not there if it is not wanted', async () => {
  const { saved: [state], weights } = await trial({ steps: 10 });
  const name = 'residual_layers.0.dilated_conv.weight';
  assert.is.not(state!.average!.get(name)![0], weights.get(name)![0]);
  const without = await trial({ steps: 10, training: { ...training, emaDecay: 0 } });
  assert.is(without.saved[0]!.average, undefined);
  assert.equal(without.weights, weights, 'the average does not change what is trained');
});

test('the options cost no dispatch', async () => {
  const model = DiffWave.create(await gpuForTests(), plainConfig);
  const count = async (options: Partial<TrainingConfig>): Promise<number> => {
    const trainer = await Trainer.create({ model, training: { ...training, ...options }, L: 61 });
    const { length } = trainer.plan.operations;
    trainer.destroy();
    return length;
  };
  const plain = await count({ emaDecay: 0 });
  assert.is(await count({}), plain);
  assert.is(await count(allOptions), plain);
  assert.is(await count({ ...allOptions, clipNorm: null }), plain);
  model.destroy();
  const velocityModel = DiffWave.create(await gpuForTests(), velocityConfig);
  const trainer = await Trainer.create({ model: velocityModel, training: { ...training, emaDecay: 0 }, L: 61 });
  assert.is(trainer.plan.operations.length, plain, 'v is written along with x_t');
  trainer.destroy();
  velocityModel.destroy();
});

for (const [name, options] of [['by default', {}], ['with everything', allOptions]] as const) {
  test(`ten steps, saved, and ten more are twenty steps, to the bit, ${name}`, () =>
    resumeExactly({ ...training, ...options }));
}

async function resumeExactly(training: TrainingConfig): Promise<void> {
  const gpu = await gpuForTests();
  const trialOf = (options: Partial<TrainOptions> & { steps: number }, model?: DiffWave) =>
    trial({ training, ...options }, model);
  const folder = RunFolder.create(temporaryFolder(), { preset: 'tiny', model: plainConfig, training, data: 'music' });
  const straight = await trialOf({ steps: 20 });

  const first = DiffWave.create(gpu, plainConfig, { seed: 5 });
  await trialOf({ steps: 10, onSave: (state) => folder.save(first, state) }, first);
  const second = DiffWave.create(gpu, plainConfig, { seed: 77 }); // its own weights must not matter
  const resume = RunFolder.open(folder.path).resume(second);
  assert.is(resume.step, 10);
  const resumed = await trialOf({ steps: 20, resume }, second);

  assert.equal(resumed.saved.map(({ step }) => step), [20]);
  assert.ok(resumed.saved[0]!.seconds >= resume.seconds);
  assert.equal(resumed.weights, straight.weights);
  assert.equal(resumed.saved[0]!.m, straight.saved[0]!.m);
  assert.equal(resumed.saved[0]!.v, straight.saved[0]!.v);
  assert.ok(resumed.saved[0]!.average);
  assert.equal(resumed.saved[0]!.average, straight.saved[0]!.average);
  assert.is(resumed.last!.loss, (await trialOf({ steps: 20, printEvery: 10 })).last!.loss); // the mean of steps 11 to 20
}

test('the same bits, whether a step is one submit or every dispatch is one', async () => {
  const gpu = await gpuForTests();
  const usual = gpu.longestSubmit;
  const { submit } = gpu;
  try {
    const trained = async (longestSubmit: number) => {
      let submits = 0;
      gpu.longestSubmit = longestSubmit;
      gpu.submit = (commands) => (submits++, submit.call(gpu, commands));
      const { weights, saved } = await trial({ steps: 6, training: { ...training, ...allOptions } });
      const { m, v, average } = saved[0]!;
      return { submits, state: { weights, m, v, average } };
    };
    const whole = await trained(Infinity);
    const single = await trained(-1); // ms: nothing is that short
    assert.equal(single.state, whole.state);
    assert.ok(single.submits > 2 * whole.submits, `${single.submits} submits and ${whole.submits}`);
  } finally {
    gpu.longestSubmit = usual;
    gpu.submit = submit;
  }
});

test.run();
