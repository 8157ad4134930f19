/** Training in process, on networks so small that a step takes milliseconds on any adapter. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClipSource } from '../../../src/diffwave/data/clips.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { Checkpoint } from '../../../src/diffwave/files/run.node.ts';
import { UserError } from '../../../src/errors.ts';
import { loss } from '../../../src/reference/loss.ts';
import { assertClose } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { config, dataset, noiseOf, training, trial } from '../trial.ts';

const test = suite('training');

test('one batch is learned by heart', async () => {
  // x_0 is ½ throughout and T is 4: for each t, ε = (x_t − √ᾱ_t/2)/√(1−ᾱ_t) is a line through x_t, so nothing but the
  // network's bend keeps the loss from 0. Two seeds and two learning rates were below 0.02 after these 200 steps.
  const clip = new Float32Array(200).fill(0.5);
  const { reports } = await trial(
    {
      dataset: { clipCount: 4, clipSamples: 200, clip: () => clip },
      training: { ...training, batchSize: 4, cropSamples: null, learningRate: 3e-3 },
      steps: 200,
      printEvery: 50,
    },
    DiffWave.create(await gpuForTests(), { ...config, diffusionSteps: 4, betaStart: 0.1, betaEnd: 0.5 }),
  );
  assert.is(reports.length, 5);
  assert.ok(reports[0]!.loss > 0.8, `the first loss is ${reports[0]!.loss}`);
  assert.ok(reports[4]!.loss < 0.05, `the mean loss of steps 151 to 200 is ${reports[4]!.loss}`);
});

test('an untrained network predicts its bias: the first loss is the mean of (ε − bias)²', async () => {
  const model = DiffWave.create(await gpuForTests(), config, { seed: 5 });
  const bias = (await model.weights()).get('output_projection.bias')![0];
  const { reports: [first] } = await trial({ steps: 1 }, model);
  const [B, L] = [training.batchSize, training.cropSamples!];
  const target = noiseOf({ step: 0, B, L });
  // A float32 sum of 122 squares, and normals whose logarithm and cosine the GPU rounds in its own way.
  const exact = loss({ kind: 'mse', predicted: target.map(() => bias!), target });
  assertClose([first!.loss], [exact], { rtol: 1e-5, what: 'first loss' });
  // ε has variance 1, and the mean of 122 squares of it spreads by √(2/122) = 0.13.
  assertClose([first!.loss], [1 + bias! ** 2], { atol: 0.6, what: 'first loss against its expectation' });
});

test('reports: when, and the mean loss of which steps', async () => {
  const single = await trial({ steps: 7, printEvery: 1 });
  assert.equal(single.reports.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7]);
  const losses = single.reports.map(({ loss }) => loss);
  const mean = (from: number, to: number) =>
    losses.slice(from - 1, to).reduce((sum, value) => sum + value, 0) / (to - from + 1);

  const { reports, last, saved } = await trial({ steps: 7, printEvery: 3, saveEvery: 5 });
  assert.equal(reports.map(({ step }) => step), [1, 3, 5, 6, 7]); // what is saved is reported first
  assert.equal(reports.map(({ loss }) => loss), [mean(1, 1), mean(2, 3), mean(4, 5), mean(6, 6), mean(7, 7)]);
  assert.equal(reports.map(({ recent }) => recent.updates), [1, 3, 5, 6, 7]);
  assertClose(reports.map(({ recent }) => recent.loss), [1, 3, 5, 6, 7].map((to) => mean(1, to)), { rtol: 1e-6, what: 'recent losses' });
  assert.is(last, reports[4]);
  assert.equal(saved.map(({ step }) => step), [5, 7]);
  for (const [i, { learningRate, seconds, stepsPerSecond, eta, step }] of reports.entries()) {
    assert.is(learningRate, training.learningRate);
    assert.ok(seconds > (reports[i - 1]?.seconds ?? 0) && stepsPerSecond > 0);
    assertClose([eta * stepsPerSecond], [7 - step], { atol: 1e-9, what: 'steps left' });
  }
});

test('a loss that is not a number stops the run and is never saved', async () => {
  const model = DiffWave.create(await gpuForTests(), config, { seed: 5 });
  const saved: number[] = [];
  const breakModel = async ({ step }: Checkpoint) => {
    saved.push(step);
    const weights = await model.weights();
    weights.get('output_projection.bias')![0] = NaN;
    model.parameters.write(model.parameters.values, weights);
  };
  const { problem, reports } = await trial({ steps: 50, saveEvery: 2, onSave: breakModel }, model);
  assert.instance(problem, UserError);
  assert.is((problem as Error).message,
    'the loss became NaN between step 2 and 4 at learning rate 0.001: ' +
      'go back to the checkpoint of step 2 and use a lower `learningRate`');
  assert.equal(saved, [2]);
  assert.equal(reports.map(({ step }) => step), [1, 2, 4]);
});

test('a NaN that the loss need not show is not saved either', async () => {
  const { saved: [resume] } = await trial({ steps: 2 });
  resume!.m.get('residual_layers.0.dilated_conv.weight')![7] = NaN;
  const { problem, saved } = await trial({ steps: 50, saveEvery: 2, resume });
  assert.instance(problem, UserError);
  // The gate turns it into a number on some adapters; on others the loss or the gradient is NaN in step 4.
  const { message } = problem as Error;
  if (/^the (loss|norm)/.test(message)) assert.match(message, 'became NaN between step 2 and 4 at learning rate 0.001; it first appeared in update 3, where ');
  else assert.match(message, /^the gradient of '\S+' became NaN or infinite before step 4 at learning rate 0\.001; it first appeared in update 3, where /);
  assert.equal(saved, []);
});

test('data that is not a number is named', async () => {
  const broken: ClipSource = { ...dataset, clip: () => new Float32Array(100).fill(Infinity) };
  const { problem, saved } = await trial({ dataset: broken, steps: 5 });
  assert.instance(problem, UserError);
  assert.match((problem as Error).message, /^clip \d of the data set has Infinity at sample 0/);
  assert.equal(saved, []);
});

test('a learning rate that is far too high is found out', async () => {
  const { problem, reports } = await trial({ training: { ...training, learningRate: 1e9 }, steps: 200, printEvery: 5 });
  assert.instance(problem, UserError);
  assert.match((problem as Error).message,
    /^the loss became (NaN|Infinity) between step \d+ and \d+ at learning rate 1000000000; it first appeared in update \d+, where /);
  assert.ok(reports.length < 40, 'long before the last step');
});

test('a signal stops after the step that is running, and saves', async () => {
  const controller = new AbortController();
  let crops = 0;
  const watched: ClipSource = {
    ...dataset,
    clip: (i) => {
      if (++crops === 2 * training.batchSize + 1) controller.abort(); // while step 3 is made ready
      return dataset.clip(i);
    },
  };
  const stopped = await trial({ dataset: watched, steps: 50, signal: controller.signal });
  assert.equal(stopped.saved.map(({ step }) => step), [3]);
  assert.is(stopped.last!.step, 3);
  assert.equal(stopped.weights, (await trial({ steps: 3 })).weights);

  const before = await trial({ steps: 50, signal: AbortSignal.abort() });
  assert.equal(before.saved.map(({ step }) => step), [0]);
  assert.equal([before.last, before.reports], [undefined, []]);
});

test('nothing is left to do for a run that has its steps, and nothing is saved again', async () => {
  const { saved } = await trial({ steps: 2 });
  const again = await trial({ steps: 2, resume: saved[0] });
  assert.equal([again.saved, again.reports, again.last, again.problem], [[], [], undefined, undefined]);
});

test('more updates than there are random numbers for are refused', async () => {
  for (const steps of [2 ** 32 + 1, NaN, 1.5]) {
    const { problem } = await trial({ steps });
    assert.instance(problem, UserError);
    assert.match((problem as Error).message, /^`steps` must be a whole number up to 4294967296: /);
  }
});

test('crops that are too long for the adapter are refused with the numbers, before anything is allocated', async () => {
  const gpu = await gpuForTests();
  const bytesPerSample = 2 * config.channels * 4; // 2C float32, of the widest tensor; the batch may go in parts
  const longest = Math.floor(gpu.device.limits.maxStorageBufferBindingSize / bytesPerSample);
  const endless: ClipSource = { clipCount: 2, clipSamples: 2 * longest, clip: () => { throw new Error('was read'); } };
  const before = gpu.buffers.liveBytes;
  const { problem } = await trial({ dataset: endless, training: { ...training, cropSamples: 2 * longest }, steps: 1 });
  assert.instance(problem, UserError);
  assert.match((problem as Error).message, /needs .*iB, but this adapter binds at most .*iB at once: /);
  assert.match((problem as Error).message, `\`cropSamples\`, at most ${longest})`);
  assert.ok(gpu.buffers.liveBytes - before < 2 ** 20);
});

test('what is wrong with the data or the configuration is said before the first step', async () => {
  for (const [wrong, message] of [
    [{ batchSize: 6 }, /the data set has 5 clips, fewer than a batch of 6/],
    [{ cropSamples: 101 }, /crops of 101 samples were asked for/],
    [{ learningRate: -1 }, /training configuration: learningRate must be a number above 0, not -1/],
  ] as const) {
    const { problem, reports, saved } = await trial({ training: { ...training, ...wrong }, steps: 1 });
    assert.instance(problem, UserError);
    assert.match((problem as Error).message, message);
    assert.equal([reports, saved], [[], []]);
  }
});

test.run();
