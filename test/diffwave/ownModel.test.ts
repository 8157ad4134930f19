/** A network and a loss that are not DiffWave's: trained, gone on with, sampled from in tiles, validated. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tape } from '../../src/autograd/tape.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import type { Loss, Network } from '../../src/diffwave/model/contract.ts';
import { Model } from '../../src/diffwave/model/model.ts';
import { sample } from '../../src/diffwave/sampling/sampling.ts';
import { tilesFor } from '../../src/diffwave/sampling/tiles.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import type { OptimizerState } from '../../src/diffwave/training/trainer.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { Validator } from '../../src/diffwave/validation/validation.ts';
import { conv1d } from '../../src/ops/conv1d.ts';
import { loss } from '../../src/ops/loss.ts';
import { scale } from '../../src/ops/scale.ts';
import { silu } from '../../src/ops/silu.ts';
import { normals } from '../../src/reference/random.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { config, dataset, training } from './trial.ts';

const test = suite('own models');

const [C, first, second] = [6, 3, 5]; // channels, and the taps of both convolutions

/** Two convolutions with a silu between them, which do not look at t. */
const network: Network = {
  specs: [
    { name: 'first', shape: [first, 1, C] }, { name: 'first bias', shape: [C] },
    { name: 'second', shape: [second, C, 1] }, { name: 'second bias', shape: [1] },
  ],
  receptiveField: first + second - 1,
  initial(seed) {
    return new Map(this.specs.map(({ name, shape }, item) => {
      const length = shape.reduce((product, size) => product * size, 1);
      return [name, Float32Array.from(normals({ seed, stream: 0, step: 0, item, length }), (z) => z / 4)];
    }));
  },
  record(tape, { noisy }) {
    const layer = (name: string, x: Tensor): Tensor =>
      conv1d(tape, { x, weight: tape.parameter(name), bias: tape.parameter(`${name} bias`), dilation: 1 });
    const x = tape.reshaped(noisy, [...noisy.shape, 1]);
    return tape.reshaped(layer('second', silu(tape, layer('first', x))), noisy.shape);
  },
};

/** Ten times the mean of the absolute errors. */
const tenfold: Loss = (tape, inputs) => scale(tape, loss(tape, { ...inputs, kind: 'l1' }), 10);

async function ownModel(seed = 3): Promise<Model> {
  return new Model(await gpuForTests(), { network, diffusion: config, seed });
}

test('is trained on a loss of its own, whose figures are those of that loss', async () => {
  const losses: Record<'own' | 'l1', number[]> = { own: [], l1: [] };
  for (const kind of ['own', 'l1'] as const) {
    const model = kind === 'own'
      ? await ownModel()
      : new Model(await gpuForTests(), { network, diffusion: config, seed: 3, lossKind: 'l1' });
    await train(model, {
      dataset, training, steps: 40, printEvery: 10,
      ...(kind === 'own' && { loss: tenfold }),
      onProgress: (progress) => losses[kind].push(progress.loss),
    });
    model.destroy();
  }
  assert.is(losses.own.length, 5); // of the first update, and of every ten
  assert.ok(losses.own[4]! < 0.9 * losses.own[1]!, `${losses.own}`);
  assert.ok(Math.abs(losses.own[0]! / losses.l1[0]! - 10) < 1e-5, 'the first update starts from the same weights');
});

test('in parts of the batch, the loss of a step is that of the whole batch', async () => {
  const lossOf = async (microBatches: number): Promise<number> => {
    const model = await ownModel();
    const memory = { microBatches, recompute: false };
    const trainer = await Trainer.create({ model, training, L: 61, loss: tenfold, memory });
    const audio = Float32Array.from(normals({ seed: 1, stream: 1, step: 0, item: 0, length: 2 * 61 }));
    trainer.update({ audio, t: [1, 4] });
    const [value] = await trainer.losses(1);
    trainer.destroy();
    model.destroy();
    return value!;
  };
  const [whole, parts] = [await lossOf(1), await lossOf(2)];
  assert.ok(Math.abs(whole - parts) < 1e-5 * whole, `${whole} and ${parts}`);
});

test('goes on from a saved state to the same bits', async () => {
  const states: (OptimizerState & { readonly seconds: number })[] = [];
  const run = async (steps: number, resume?: typeof states[number], weights?: Map<string, Float32Array<ArrayBuffer>>) => {
    const model = new Model(await gpuForTests(), { network, diffusion: config, seed: 3, ...(weights && { weights }) });
    await train(model, { dataset, training, steps, loss: tenfold, resume, onSave: (state) => void states.push(state) });
    const result = await model.weights();
    model.destroy();
    return result;
  };
  const whole = await run(12);
  const half = await run(5);
  assert.equal(await run(12, states.at(-1), half), whole);
});

test('is sampled from in tiles to the bit of the whole', async () => {
  const model = await ownModel();
  const options = { shape: [2, 211] as const, seed: 1 };
  const whole = await sample(model, options);
  const tiled = await sample(model, { ...options, tileSamples: 50 });
  assert.ok(whole.audio[0]!.some((value) => value !== 0));
  assert.equal(tiled.audio, whole.audio);
  model.destroy();
});

test('windows are sized by its widest activation, which is found by recording it', async () => {
  const gpu = await gpuForTests();
  const maxStorageBufferBindingSize = 2 ** 20;
  const widthFor = (width?: number): number => {
    const model = new Model(gpu, { network: { ...network, width }, diffusion: config });
    const limited = { variant: gpu.variant, device: { limits: { maxStorageBufferBindingSize } } };
    const { parameters } = model;
    model.destroy();
    return tilesFor({ network: model.network, parameters, gpu: limited } as unknown as Model, { B: 1, L: 100_000 }).width;
  };
  const rows = (numbers: number): number => Math.floor(maxStorageBufferBindingSize / (numbers * 4));
  assert.is(widthFor(10 * C), rows(10 * C));
  assert.is(widthFor(C), rows(C));
  assert.is(widthFor(), rows(C));
});

test('is validated by the mean of squares, or by a loss of its own', async () => {
  const model = await ownModel();
  const evaluate = async (loss?: Loss): Promise<number> => {
    const validator = await Validator.create({ model, training: dataset, validation: dataset, L: 61, seed: 0, loss });
    const { loss: value } = await validator.evaluate(0);
    validator.destroy();
    return value;
  };
  const [squares, own] = [await evaluate(), await evaluate((tape, inputs) => scale(tape, loss(tape, { ...inputs, kind: 'mse' }), 3))];
  assert.ok(squares > 0 && Math.abs(own / squares - 3) < 1e-5, `${squares} and ${own}`);
  model.destroy();
});

test('a network that cannot be is refused', async () => {
  const gpu = await gpuForTests();
  assert.throws(() => new Model(gpu, { network: { ...network, receptiveField: 4 }, diffusion: config }), /receptiveField must be an odd/);
  assert.throws(() => new Model(gpu, { network, diffusion: { ...config, betaStart: 2 } }), /betaStart/);
  const model = await ownModel();
  const vector: Loss = (_: Tape, { predicted }) => predicted;
  await assertRejects(Trainer.create({ model, training, L: 61, loss: vector }), /a loss must be a single number/);
  model.destroy();
});

async function assertRejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  assert.match(String(error), message);
}

test.run();
