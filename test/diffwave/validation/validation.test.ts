import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClipSource } from '../../../src/diffwave/data/clips.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { predictNoise } from '../../../src/diffwave/sampling/denoiser.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import { streams } from '../../../src/diffwave/streams.ts';
import { Validator, betterThanWiener } from '../../../src/diffwave/validation/validation.ts';
import { binsOf } from '../../../src/diffwave/validation/items.ts';
import { withWeights } from '../../../src/diffwave/model/withWeights.ts';
import { UserError } from '../../../src/errors.ts';
import { normals } from '../../../src/reference/random.ts';
import { noise, sine } from '../../audio/helpers.ts';
import { assertClose } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { tinyConfig, tinyModel } from '../tiny.ts';

const velocityConfig = { ...tinyConfig, schedule: 'cosine', zeroTerminalSnr: true, prediction: 'v' } as const;

const test = suite('validation');

const L = 61;
const seed = 4;
const clips = (count: number, hertz: number): ClipSource => ({
  clipCount: count,
  clipSamples: 100,
  clip: (i) => (i % 2 ? noise(100, i) : sine({ hertz: hertz + 100 * i, sampleRate: 7350, samples: 100 })),
});
const sets = { training: clips(5, 300), validation: clips(3, 500) };

for (const config of [tinyConfig, velocityConfig]) test(`the loss of every bin is the mean squared error of the predicted ${config.prediction}`, async () => {
  const model = await tinyModel(config);
  const validator = await Validator.create({ model, ...sets, L, seed });
  const { step, loss, bins } = await validator.evaluate(7);
  assert.equal([step, bins.map(({ from, to }) => [from, to])], [7, [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]]);

  const schedule = scheduleOf(config);
  const wanted = new Float64Array(bins.length);
  const perBin = validator.items.length / bins.length;
  for (const [i, { audio, t, bin }] of validator.items.entries()) {
    const epsilon = normals({ seed, stream: streams.validationNoise, step: i, item: 0, length: L });
    const [signal, level] = [schedule.sqrtAlphaBar[t], schedule.sqrtOneMinusAlphaBar[t]];
    const noisy = audio.map((x, n) => signal! * x + level! * epsilon[n]!);
    const target = config.prediction === 'v' ? audio.map((x, n) => signal! * epsilon[n]! - level! * x) : epsilon;
    const predicted = await predictNoise(model, noisy, { t: [t] });
    wanted[bin]! += predicted.reduce((sum, value, n) => sum + (value - target[n]!) ** 2, 0) / L / perBin;
  }
  // Sums of 61 float32 terms, and x_t rounded once more on its way here.
  assertClose(bins.map((bin) => bin.loss), wanted, { rtol: 1e-4, what: 'losses of the bins' });
  assertClose([loss], [wanted.reduce((sum, value) => sum + value, 0) / bins.length], { rtol: 1e-4, what: 'loss' });
  assert.equal(await validator.evaluate(7), { step, loss, bins }, 'the same weights, the same numbers');
  validator.destroy();
  model.destroy();
});

for (const config of [tinyConfig, velocityConfig]) test(`a network that predicts no ${config.prediction} has the loss of predicting zero, and is nowhere better than Wiener`, async () => {
  const model = DiffWave.create(await gpuForTests(), config);
  const weights = await model.weights();
  for (const last of ['output_projection.weight', 'output_projection.bias']) weights.get(last)!.fill(0);
  model.parameters.write(model.parameters.values, weights);
  const validator = await Validator.create({ model, ...sets, L, seed });
  const validation = await validator.evaluate(0);
  // At ᾱ = 0 the filter is zero itself, and rounding decides which is better.
  const bins = config.prediction === 'v' ? validation.bins.slice(0, -1) : validation.bins;
  for (const { loss, zero, wiener } of bins) {
    if (config.prediction === 'epsilon') assert.is(zero, 1);
    // A mean of 16·61 squares of normal numbers: standard deviation √(2/976) = 0.045 of the noise in it.
    assert.ok(Math.abs(loss - zero) <= 0.2 * zero, `${loss} ${zero}`);
    assert.ok(wiener > 0 && wiener < loss, `${wiener} ${loss}`);
  }
  assert.is(betterThanWiener({ ...validation, bins }), 0);
  const last = validation.bins.at(-1)!;
  if (config.prediction === 'v') assertClose([last.wiener, last.loss], [last.zero, last.zero], { rtol: 1e-5, what: 'at ᾱ = 0' });
  validator.destroy();
  model.destroy();
});

test('other weights can be judged, and the own ones come back', async () => {
  const model = await tinyModel();
  const validator = await Validator.create({ model, ...sets, L, seed });
  const own = await validator.evaluate(0);
  const zeros = model.parameters.flat('zeros');
  const ofZeros = await withWeights(model, zeros, () => validator.evaluate(0));
  assert.ok(Math.abs(ofZeros.loss - 1) <= 0.2 && ofZeros.loss !== own.loss, String(ofZeros.loss));
  assert.equal(await withWeights(model, undefined, () => validator.evaluate(0)), own);
  model.gpu.buffers.release(zeros.buffer);
  validator.destroy();
  model.destroy();
});

test('crops come from all validation clips, and every bin has the same ones', async () => {
  const model = await tinyModel({ ...tinyConfig, diffusionSteps: 23 });
  const validator = await Validator.create({ model, ...sets, L, seed });
  const bins = binsOf(23);
  for (const { t, bin, audio } of validator.items) {
    assert.ok(t >= bins[bin]!.from && t <= bins[bin]!.to);
    assert.is(audio.length, L);
  }
  const ofBin = (bin: number) => validator.items.filter((item) => item.bin === bin);
  for (const bin of bins.keys()) {
    assert.equal(ofBin(bin).map(({ audio }) => audio), ofBin(0).map(({ audio }) => audio));
    assert.is(new Set(ofBin(bin).map(({ t }) => t)).size, bins[bin]!.to - bins[bin]!.from + 1);
  }
  validator.destroy();
  model.destroy();
});

test('bins cover all steps, none twice', () => {
  for (const T of [1, 3, 5, 7, 50, 200]) {
    const all = binsOf(T).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
    assert.equal(all, Array.from({ length: T }, (_, t) => t));
    assert.is(binsOf(T).length, Math.min(5, T));
  }
});

test('clips with a NaN are refused', async () => {
  const model = await tinyModel();
  const broken = { ...sets.training, clip: () => new Float32Array(100).fill(NaN) };
  const problem = await Validator.create({ model, ...sets, training: broken, L, seed }).catch((error: unknown) => error);
  assert.instance(problem, UserError);
  model.destroy();
});

test.run();
