/**
 * Memory that runs out, as WebGPU tells it: late. Every buffer that something asks for is refused once. Whoever asked is told so,
 * nothing stays, nobody else hears of it, and the same thing works on the same Gpu afterwards.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { withWeights } from '../../src/diffwave/model/withWeights.ts';
import { Denoiser } from '../../src/diffwave/sampling/denoiser.ts';
import { sample } from '../../src/diffwave/sampling/sampling.ts';
import { shapedStart } from '../../src/diffwave/sampling/start.ts';
import { Walk } from '../../src/diffwave/sampling/walk.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import { checkMixedPrecision } from '../../src/diffwave/training/precision.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { Validator } from '../../src/diffwave/validation/validation.ts';
import { OutOfMemoryError } from '../../src/gpu/device/buffers.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { scale } from '../../src/ops/scale.ts';
import { ownGpu } from '../gpuForTests.ts';
import { shortage } from '../shortage.ts';
import { config, dataset, training } from './trial.ts';

const test = suite('out of memory');

const L = 61;
const memory = { microBatches: 1, recompute: false };

type Disposing = { destroy(): unknown } | undefined | void;

/** Does `body` with its n-th buffer refused; returns what it threw and how many it asked for. */
async function refused(gpu: Gpu, n: number, body: () => Promise<Disposing>): Promise<{ error: unknown; asked: number }> {
  gpu.buffers.trim(); // what lies idle is not asked for
  const poor = shortage(gpu.device, (_, number) => number === n);
  try {
    const error = await body().then((made) => made?.destroy(), (reason: unknown) => reason);
    return { error, asked: poor.asked };
  } finally {
    poor.end();
  }
}

/** Refuses every buffer of `body` in turn. `triesLess`: it may go on with less memory instead of failing. */
async function survives(gpu: Gpu, body: () => Promise<Disposing>, { triesLess = false } = {}): Promise<void> {
  const { buffers } = gpu;
  const { asked, error } = await refused(gpu, -1, body);
  if (error) throw error;
  assert.ok(asked > 0, 'it asks for memory');
  buffers.trim();
  const before = { owned: buffers.owned, bytes: buffers.liveBytes };
  for (let n = 0; n < asked; n++) {
    const { error } = await refused(gpu, n, body);
    if (error || !triesLess) assert.instance(error, OutOfMemoryError, `buffer ${n} of ${asked}: ${error}`);
    await gpu.idle(); // nobody else is told
    buffers.trim();
    assert.equal({ owned: buffers.owned, bytes: buffers.liveBytes }, before, `buffer ${n} of ${asked}`);
  }
  assert.is((await refused(gpu, -1, body)).error, undefined, 'afterwards it works');
}

test('programs, and what runs them', async () => {
  using gpu = await ownGpu();
  const tape = new Tape();
  const x = tape.input('x', [8]);
  const y = tape.keep(scale(tape, scale(tape, x, 2), 3));
  await survives(gpu, async () => {
    using executable = await Executable.build(gpu, planTape(tape));
    executable.write(x, new Float32Array(8).fill(1));
    executable.run();
    assert.equal(await executable.read(y), new Float32Array(8).fill(6)); // refused is not read as zeros
  });
});

test('what samples, validates and tests itself', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config);
  model.spectrum = Float32Array.of(1, 1, 1, 1, 1);
  await survives(gpu, () => Validator.create({ model, training: dataset, validation: dataset, L, seed: 0 }));
  await survives(gpu, () => Denoiser.create({ model, B: 1, L }));
  await survives(gpu, () => Walk.create(model, { B: 1, L, history: true, known: true }));
  await survives(gpu, async () => void (await sample(model, { shape: [1, L], steps: 2, start: 'shaped', loop: true })));
  await survives(gpu, async () => void (await sample(model, { shape: [1, L], steps: 2, sampler: 'dpm++' })));
  await survives(gpu, () => checkMixedPrecision(model));
  const range = { buffer: gpu.buffers.acquire(L * 4, 'x'), offset: 0, size: L * 4 };
  await survives(gpu, () => shapedStart(gpu, range, { spectrum: [1, 1, 1, 1, 1], alphaBar: 0.5, B: 1, L, circular: true }));
});

test('slices that there is no memory for are not made: the dispatches stay whole', async () => {
  using gpu = await ownGpu();
  const tape = new Tape();
  const y = tape.keep(scale(tape, tape.input('x', [1 << 16]), 2));
  const executable = await Executable.build(gpu, planTape(tape));
  const { owned } = gpu.buffers;
  gpu.longestSubmit = 1e-9; // ms: nothing is that short
  const poor = shortage(gpu.device, ({ label }) => label!.startsWith('params of'));
  for (let run = 0; poor.asked === 0 && run < 100; run++) {
    executable.run();
    await gpu.idle();
    await new Promise((resolve) => setTimeout(resolve, 1)); // slices are made beside the runs
  }
  assert.is(poor.asked, 1);
  poor.end();
  assert.is((await executable.read(y)).length, 1 << 16);
  await gpu.idle();
  assert.is(gpu.buffers.owned, owned);
  assert.is(executable.program.pieces.length, executable.program.length);
  executable.destroy();
  assert.is(gpu.buffers.owned, 0);
});

test('a trainer, with one plan and with all of them', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config);
  await survives(gpu, () => Trainer.create({ model, training, L, memory }));
  await survives(gpu, () => Trainer.create({ model, training, L }), { triesLess: true });
});

test('a whole training, its reports, snapshots and saves', async () => {
  using gpu = await ownGpu();
  await survives(gpu, async () => {
    using model = DiffWave.create(gpu, config);
    const onSave = async (): Promise<void> => void (await model.toBytes());
    await train(model, { dataset, training, steps: 3, printEvery: 1, snapshotEvery: 2, onSave });
  }, { triesLess: true });
});

test('the forecast of the plan that was found is the peak to the byte, whatever was tried before it', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config);
  const large: typeof training = { ...training, batchSize: 8 };
  const poor = shortage(gpu.device, ({ size }) => size > 40 * 1024);
  using trainer = await Trainer.create({ model, training: large, L: 100 });
  poor.end();
  assert.is.not(trainer.memory.choice.microBatches, 1);
  const { total, beside } = trainer.memory.forecast;
  assert.is(gpu.buffers.peakBytes, total - beside);
});

test('a model that there was no memory for is told of as often as it is used, and a smaller one trains beside it', async () => {
  using gpu = await ownGpu();
  const poor = shortage(gpu.device, ({ label }) => label === 'parameters');
  const large = DiffWave.create(gpu, { ...config, layers: 4 });
  poor.end();
  const uses = [() => train(large, { dataset, training, steps: 1 }), () => sample(large, { shape: [1, L], steps: 1 }), () => large.weights()];
  for (const use of [...uses, ...uses]) {
    const error = await use().then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, OutOfMemoryError, String(error));
    assert.match((error as Error).message, /^the GPU has no memory left for 'parameters'/);
  }
  using small = DiffWave.create(gpu, config);
  const last = await train(small, { dataset, training, steps: 2 });
  assert.is(last?.step, 2);
  assert.ok([...(await small.weights()).values()].some((values) => values.some((value) => value !== 0)));
  large.destroy();
});

test('weights that there is no place to keep are not overwritten', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config, { seed: 1 });
  const other = model.parameters.flat('zeros');
  const before = await model.weights();
  await survives(gpu, () => withWeights(model, other, async () => gpu.idle()));
  assert.equal(await model.weights(), before);
  gpu.buffers.release(other.buffer);
});

test.run();
