/**
 * A GPU that is lost at any moment, with nobody's promise forgotten: an unhandled rejection would end the process that should
 * recover.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { sample } from '../../src/diffwave/sampling/sampling.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { Validator } from '../../src/diffwave/validation/validation.ts';
import { Program } from '../../src/gpu/program/program.ts';
import { UserError } from '../../src/errors.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { naiveSettings } from '../../src/gpu/device/variant.ts';
import { ownGpu } from '../gpuForTests.ts';
import { config, dataset, training } from './trial.ts';

const test = suite('a loss at any moment');

const L = 61;
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
test.before(() => void process.on('unhandledRejection', note));
test.after(() => void process.off('unhandledRejection', note));
test.after.each(async () => {
  await new Promise((resolve) => setTimeout(resolve, 10)); // rejections are announced when the microtasks are done
  assert.equal(unhandled.splice(0), []);
});

/** Destroys the Gpu's device as its n-th buffer is made or, for 'module', its n-th shader; -1 never. Returns how many there were. */
async function losing(gpu: Gpu, what: 'buffer' | 'module', n: number, body: () => Promise<unknown>): Promise<number> {
  const { device } = gpu;
  const name = what === 'buffer' ? 'createBuffer' : 'createShaderModule';
  const original = device[name].bind(device) as (descriptor: unknown) => unknown;
  let made = 0;
  Object.assign(device, { [name]: (descriptor: unknown) => {
    if (made++ === n) device.destroy();
    return original(descriptor);
  } });
  const error = await body().then(() => undefined, (reason: unknown) => reason);
  if (n < 0) assert.is(error, undefined);
  else assert.ok(await gpu.lossBehind(error), `${what} ${n}: ${error}`);
  return made;
}

for (const what of ['buffer', 'module'] as const) {
  test(`lost at every ${what} of what is built`, async () => {
    const opened = async () => Object.assign(await ownGpu(), { variant: naiveSettings });
    const bodies: ((model: DiffWave) => Promise<unknown>)[] = [
      async (model) => (await Trainer.create({ model, training, L })).destroy(),
      async (model) => (await Validator.create({ model, training: dataset, validation: dataset, L, seed: 0 })).destroy(),
      (model) => sample(model, { shape: [1, L], steps: 2 }),
    ];
    for (const body of bodies) {
      using whole = await opened();
      const count = await losing(whole, what, -1, () => body(DiffWave.create(whole, config)));
      const first = what === 'buffer' ? 1 : 0; // the weights' is made before
      for (let n = first; n < count; n += Math.max(1, Math.floor(count / 8))) {
        using gpu = await opened();
        await losing(gpu, what, n, () => body(DiffWave.create(gpu, config)));
      }
    }
  });
}

test('what a lost device answers last is waited for by nobody, and ends nothing', async () => {
  using gpu = await ownGpu();
  const { device } = gpu;
  const kernel = { shader: 'silu', entry: 'forward', constants: { Lane: 'f32', Out: 'f32', F16: 0 } };
  await gpu.kernels.get(kernel);
  const buffer = gpu.buffers.acquire(256, 'x');
  const [popErrorScope, createShaderModule] = [device.popErrorScope.bind(device), device.createShaderModule.bind(device)];
  device.popErrorScope = async () => {
    await popErrorScope();
    throw new Error('lost: scope');
  };
  device.createShaderModule = (descriptor) =>
    Object.assign(createShaderModule(descriptor), { getCompilationInfo: () => Promise.reject(new Error('lost: messages')) });
  const failing = [
    () => gpu.kernels.get({ shader: 'relu', entry: 'forward', constants: kernel.constants }),
    () => Program.build(gpu, [{ kernel, bindings: { none: { buffer, offset: 0, size: 256 } }, writes: [], workgroups: 1 }]),
  ];
  const messages: string[] = [];
  for (const fail of failing) messages.push(await fail().then(() => 'nothing', (error: Error) => error.message));
  Object.assign(device, { popErrorScope, createShaderModule });
  assert.match(messages[0]!, /lost: messages/);
  assert.match(messages[1]!, /no variable 'none'/);
});

test('lost while the way to a NaN is walked again: it is walked on a new device', async () => {
  using gpu = await ownGpu();
  gpu.variant = naiveSettings;
  const model = DiffWave.create(gpu, config);
  let lost = 0;
  const error = await train(model, {
    dataset, steps: 20, printEvery: 1,
    training: { ...training, learningRate: 1e30 },
    onStart: (trainer) => {
      const restore = trainer.restore.bind(trainer);
      trainer.restore = (...state) => { // the second pass begins with this
        restore(...state);
        lost++;
        gpu.device.destroy();
      };
    },
  }).then(() => undefined, (reason: unknown) => reason);
  assert.is(lost, 1);
  assert.instance(error, UserError, String(error));
  assert.match((error as Error).message, /became (NaN|-?Infinity).*; it first appeared in update \d+, where \S+( \[[^\]]*\])? wrote '/);
  gpu.check();
  model.destroy();
  assert.is(gpu.buffers.owned, 0);
});

test('a Gpu that is closed while it takes a new device keeps none', async () => {
  const gpu = await ownGpu();
  gpu.device.destroy();
  const recovered = gpu.recover();
  gpu.close();
  await recovered;
  const alive = new Promise((resolve) => setTimeout(resolve, 1000, 'alive')); // what is destroyed says so long before
  assert.is(await Promise.race([gpu.device.lost.then(() => 'destroyed'), alive]), 'destroyed');
});

test.run();
