/** A network with its weights: saved and loaded, and asked for predictions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { predictNoise } from '../../../src/diffwave/sampling/denoiser.ts';
import { writeSafetensors } from '../../../src/formats/safetensors.ts';
import { initialWeights } from '../../../src/diffwave/model/weights.ts';
import { UserError } from '../../../src/errors.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';
import { loadModel, saveModel } from '../../../src/diffwave/files/model.node.ts';

const test = suite('model');

const folder = mkdtempSync(join(tmpdir(), 'model-'));
test.after(() => rmSync(folder, { recursive: true }));

async function userErrorOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError);
  return (error as UserError).message;
}

test('a new network has the initial weights of its seed', async () => {
  const model = DiffWave.create(await gpuForTests(), tinyConfig, { seed: 8 });
  assert.equal(await model.weights(), initialWeights(tinyConfig, 8));
  model.destroy();
});

test('saved and loaded, it has the same configuration and predicts the same bits', async () => {
  const model = await tinyModel();
  const path = join(folder, 'new', 'weights.safetensors');
  await saveModel(model, path);
  const loaded = await loadModel(model.gpu, path);
  assert.equal(loaded.config, tinyConfig);
  assert.equal(await loaded.weights(), await model.weights());
  const options = { t: [3, 0] };
  const predicted = await predictNoise(model, clip(2 * 31), options);
  assert.ok(new Set(predicted).size > 60, 'not one number for all samples');
  assert.equal(await predictNoise(loaded, clip(2 * 31), options), predicted);
  model.destroy();
  loaded.destroy();
});

test('one model predicts for batches and lengths that change', async () => {
  const model = await tinyModel();
  const one = await predictNoise(model, clip(31), { t: [2] });
  const both = await predictNoise(model, Float32Array.of(...clip(31), ...clip(31, 1)), { t: [2, 4] });
  assert.equal(both.subarray(0, 31), one);
  assert.is((await predictNoise(model, clip(5), { t: [0.5] })).length, 5);
  assert.equal(await predictNoise(model, clip(31), { t: [2] }), one);
  model.destroy();
});

test('predictions that are asked for at once do not disturb each other', async () => {
  const model = await tinyModel();
  const wanted = [[clip(31), 2], [clip(31, 1), 0], [clip(17), 4]] as const;
  const apart: Float32Array[] = [];
  for (const [noisy, t] of wanted) apart.push(await predictNoise(model, noisy, { t: [t] }));
  const refused = predictNoise(model, clip(3), { t: [-1] }).catch(() => 'refused');
  const together = await Promise.all(wanted.map(([noisy, t]) => predictNoise(model, noisy, { t: [t] })));
  assert.equal(together, apart);
  assert.is(await refused, 'refused');
  model.destroy();
});

test('arguments that make no sense are refused', async () => {
  const model = await tinyModel();
  const predict = (samples: number, ...t: number[]) => userErrorOf(predictNoise(model, clip(samples), { t }));
  assert.match(await predict(7, 0, 1), /predictNoise: 7 samples do not make 2 equal clips/);
  assert.match(await predict(0, 0), /predictNoise: 0 samples do not make 1 equal clips/);
  assert.match(await predict(7), /predictNoise: 7 samples do not make 0 equal clips/);
  for (const t of [5, -1, NaN]) assert.match(await predict(7, t), new RegExp(`wanted steps t from 0 to 4, got ${t}$`));
  model.destroy();
});

test('a configuration that cannot be is refused', async () => {
  const gpu = await gpuForTests();
  assert.throws(() => DiffWave.create(gpu, { ...tinyConfig, kernelSize: 2 }), (error: unknown) =>
    error instanceof UserError && /kernelSize must be an odd whole number from 1, not 2/.test(error.message));
});

test('a file that is none, of another kind, or without a parameter is named', async () => {
  const gpu = await gpuForTests();
  const path = join(folder, 'bad.safetensors');
  const load = () => userErrorOf(loadModel(gpu, path));
  assert.match(await load(), /bad\.safetensors: there is no such file/);
  writeFileSync(path, 'RIFF and not a network');
  assert.match(await load(), /bad\.safetensors is not a safetensors file/);
  writeFileSync(path, writeSafetensors({ tensors: new Map() }));
  assert.match(await load(), /bad\.safetensors has no "config" in its metadata/);
  writeFileSync(path, writeSafetensors({ tensors: new Map(), metadata: { config: JSON.stringify(tinyConfig) } }));
  assert.match(await load(), /bad\.safetensors: the tensor 'input_projection\.weight' is missing/);
});

test('a file that cannot be written leaves an error, and the model as it was', async () => {
  const model = await tinyModel();
  const error = await saveModel(model, join(folder, '\0')).then(() => undefined, (reason: Error) => reason);
  assert.instance(error, Error);
  assert.is((await predictNoise(model, clip(3), { t: [1] })).length, 3);
  model.destroy();
});

test.run();
