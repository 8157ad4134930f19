/**
 * What is made in steps gives back what it took, whichever step fails: every allocation and every kernel is refused once, and
 * afterwards as many buffers are handed out as before. What was made gives all of it back, once, however often it is asked to.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { DiffWave, Model } from '../../src/diffwave/model/model.ts';
import { diffWaveNetwork } from '../../src/diffwave/model/network.ts';
import { withWeights } from '../../src/diffwave/model/withWeights.ts';
import { Denoiser, predictNoise } from '../../src/diffwave/sampling/denoiser.ts';
import { sample } from '../../src/diffwave/sampling/sampling.ts';
import { shapedStart } from '../../src/diffwave/sampling/start.ts';
import { Walk } from '../../src/diffwave/sampling/walk.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import { checkMixedPrecision } from '../../src/diffwave/training/precision.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { Validator } from '../../src/diffwave/validation/validation.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { Program } from '../../src/gpu/program/program.ts';
import { scale } from '../../src/ops/scale.ts';
import { checkGolden } from '../../src/verify/golden.ts';
import { ownGpu } from '../gpuForTests.ts';
import { config, dataset, training } from './trial.ts';

const test = suite('leaks');

class Refused extends Error {}

/** The Gpu with its n-th allocation or kernel refused; -1 refuses none. Returns how many were asked for. */
async function refusing(gpu: Gpu, what: 'acquire' | 'get', n: number, body: () => Promise<unknown>): Promise<number> {
  const target = (what === 'acquire' ? gpu.buffers : gpu.kernels) as unknown as Record<string, (...args: unknown[]) => unknown>;
  const original = target[what]!;
  let asked = 0;
  target[what] = (...args) => {
    if (asked++ === n) throw new Refused(`${what} ${n}`);
    return original.apply(target, args);
  };
  try {
    const error = await body().then(() => undefined, (reason: unknown) => reason);
    if (n >= 0) assert.instance(error, Refused, String(error));
    else assert.is(error, undefined);
  } finally {
    delete target[what]; // the class has its own
  }
  return asked;
}

/** Makes it once undisturbed, then with every request refused in turn. What is made is destroyed twice. */
async function leaksNothing(gpu: Gpu, make: () => Promise<unknown>): Promise<void> {
  const before = gpu.buffers.owned;
  const whole = async (): Promise<void> => {
    const made = await make() as { destroy?: () => unknown; [Symbol.dispose]?: () => void } | undefined;
    await made?.destroy?.();
    await made?.destroy?.();
    made?.[Symbol.dispose]?.();
  };
  for (const what of ['acquire', 'get'] as const) {
    const count = await refusing(gpu, what, -1, whole);
    assert.is(gpu.buffers.owned, before, 'what was made gives all of it back');
    for (let n = 0; n < count; n++) {
      await refusing(gpu, what, n, whole);
      assert.is(gpu.buffers.owned, before, `with ${what} ${n} of ${count} refused`);
    }
  }
}

test('programs and executables', async () => {
  using gpu = await ownGpu();
  const buffer = gpu.buffers.acquire(256, 'x');
  const range = { buffer, offset: 0, size: 256 };
  await leaksNothing(gpu, () => Program.build(gpu, [{
    kernel: { shader: 'noise', entry: 'forward' }, bindings: { y: range }, writes: ['y'],
    params: { items: 1, length: 64, firstItem: 0, stream: 0 }, step: true, workgroups: 1,
  }]));
  const tape = new Tape();
  tape.keep(scale(tape, scale(tape, tape.input('x', [8]), 2), 3));
  await leaksNothing(gpu, () => Executable.build(gpu, planTape(tape)));
});

test('models, trainers, validators, denoisers, walks, starts, self-tests', async () => {
  using gpu = await ownGpu();
  await leaksNothing(gpu, async () => new Model(gpu, { network: diffWaveNetwork(config), diffusion: config }));
  const bad = new Map(diffWaveNetwork(config).initial(0));
  bad.delete('output_projection.bias');
  const before = gpu.buffers.owned;
  assert.throws(() => new Model(gpu, { network: diffWaveNetwork(config), diffusion: config, weights: bad }), /output_projection\.bias/);
  assert.is(gpu.buffers.owned, before);
  using model = DiffWave.create(gpu, config);
  const L = 61;
  await leaksNothing(gpu, () => Trainer.create({ model, training, L }));
  await leaksNothing(gpu, () => Validator.create({ model, training: dataset, validation: dataset, L, seed: 0 }));
  await leaksNothing(gpu, () => Denoiser.create({ model, B: 1, L }));
  await leaksNothing(gpu, () => predictNoise(model, new Float32Array(L), { t: [1] }));
  await leaksNothing(gpu, () => Walk.create(model, { B: 1, L, history: true, known: true }));
  await leaksNothing(gpu, () => sample(model, { shape: [1, L], steps: 2 }));
  await leaksNothing(gpu, () => checkMixedPrecision(model));
  const range = { buffer: gpu.buffers.acquire(L * 4, 'x'), offset: 0, size: L * 4 };
  await leaksNothing(gpu, () => shapedStart(gpu, range, { spectrum: [1, 1, 1, 1, 1], alphaBar: 0.5, B: 1, L, circular: true }));
});

test('a golden file, right or not, and a step that does not fit', async () => {
  using gpu = await ownGpu();
  const file = fileURLToPath(new URL('../golden/diffwave-6x8-l1.safetensors', import.meta.url));
  const golden = { bytes: readFileSync(file), file };
  await leaksNothing(gpu, async () => void (await checkGolden(gpu, golden)));
  using model = DiffWave.create(gpu, config);
  const before = gpu.buffers.owned;
  const error = await Trainer.create({ model, training, L: 61, memoryLimit: 1000 }).then(() => undefined, (reason: unknown) => reason);
  assert.match((error as Error)?.message ?? '', /does not fit/);
  assert.is(gpu.buffers.owned, before, 'a plan allocates nothing');
});

test('trainers of one model share its gradients, which go with the last of them', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config);
  const before = gpu.buffers.owned;
  const first = await Trainer.create({ model, training, L: 61 });
  const gradients = model.parameters.gradients.buffer;
  (await Trainer.create({ model, training, L: 61 })).destroy();
  const memory = { microBatches: 1, recompute: false };
  assert.ok(await refusing(gpu, 'acquire', 2, () => Trainer.create({ model, training, L: 61, memory })) > 2);
  assert.is(model.parameters.gradients.buffer, gradients);
  const others = Array.from({ length: 10 }, () => gpu.buffers.acquire(gradients.size, 'another owner\'s'));
  assert.not.ok(others.includes(gradients));
  for (const buffer of others) gpu.buffers.release(buffer);
  first.destroy();
  assert.is(gpu.buffers.owned, before);
});

test('a whole training, and weights that are looked at for a while', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config);
  const before = gpu.buffers.owned;
  await train(model, { dataset, training, steps: 2 });
  assert.is(gpu.buffers.owned, before, 'gradients and all are gone with the trainer');
  const average = model.parameters.copy(model.parameters.values, 'average');
  const error = await withWeights(model, average, () => Promise.reject(new Refused('seen'))).catch((reason: unknown) => reason);
  assert.instance(error, Refused);
  gpu.buffers.release(average.buffer);
  assert.is(gpu.buffers.owned, before);
});

test.run();
