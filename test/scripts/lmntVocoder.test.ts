/**
 * docs/lmnt-vocoder.py makes a run out of weights with the names and shapes that lmnt-com/diffwave publishes. With Python alone a
 * stand-in takes PyTorch's place; without Python only names and shapes are looked at. Nothing is downloaded.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { parameterShapes } from '../../src/diffwave/model/shapes.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('lmnt-vocoder.py');

const affine = (name: string, shape: readonly number[]): [string, readonly number[]][] => [[`${name}.weight`, shape], [`${name}.bias`, [shape[0]!]]];

/** The state_dict of lmnt-com/diffwave's model.py with the sizes of its params.py, in its order. */
const published: Readonly<Record<string, readonly number[]>> = Object.fromEntries([
  ...affine('input_projection', [64, 1, 1]),
  ...affine('diffusion_embedding.projection1', [512, 128]),
  ...affine('diffusion_embedding.projection2', [512, 512]),
  ...affine('spectrogram_upsampler.conv1', [1, 1, 3, 32]),
  ...affine('spectrogram_upsampler.conv2', [1, 1, 3, 32]),
  ...Array.from({ length: 30 }, (_, i) => `residual_layers.${i}`).flatMap((layer) => [
    ...affine(`${layer}.dilated_conv`, [128, 64, 3]),
    ...affine(`${layer}.diffusion_projection`, [64, 512]),
    ...affine(`${layer}.conditioner_projection`, [128, 80, 1]),
    ...affine(`${layer}.output_projection`, [128, 64, 1]),
  ]),
  ...affine('skip_projection', [64, 64, 1]),
  ...affine('output_projection', [1, 64, 1]),
]);

test('the published names and shapes are those of our preset', () => {
  const ours = parameterShapes(PRESETS['diffwave-vocoder'].model).map(({ name, diskShape }) => [name, diskShape]);
  assert.equal(Object.fromEntries(ours), published);
});

/** Which Python there is: with PyTorch, without, or none. */
function python(): 'with PyTorch' | 'without PyTorch' | undefined {
  const status = (code: string): number | null => spawnSync('python3', ['-c', code]).status;
  if (status('') !== 0) return undefined;
  return status('import torch') === 0 ? 'with PyTorch' : 'without PyTorch';
}

/** Makes the file of weights that a real PyTorch loads, with the numbers of the stand-in. */
const savedByTorch = `
import json, math, sys, torch
shapes = json.load(open(sys.argv[1]))['model']
values = {name: (number + torch.arange(math.prod(shape)) % 1024 / 1024).float().reshape(shape) for number, (name, shape) in enumerate(shapes.items())}
torch.save({'model': values}, sys.argv[1])
`;

test('the script makes a run of them that loads here, every number the one that it was', async () => {
  const found = python();
  if (!found) {
    console.log('  python3 is not installed: docs/lmnt-vocoder.py was not run, its names and shapes were compared');
    return;
  }
  const folder = temporaryFolder();
  const [weights, run] = [join(folder, 'weights.pt'), join(folder, 'run')];
  writeFileSync(weights, JSON.stringify({ model: published }));
  const standIns = fileURLToPath(new URL('standIns/', import.meta.url));
  const execute = (...args: string[]): void => {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...(found === 'without PyTorch' && { PYTHONPATH: standIns }) };
    const { status, stderr } = spawnSync('python3', args, { env, encoding: 'utf8' });
    assert.is(status, 0, stderr);
  };
  if (found === 'with PyTorch') execute('-c', savedByTorch, weights);
  execute(fileURLToPath(new URL('../../docs/lmnt-vocoder.py', import.meta.url)), weights, run);

  const opened = RunFolder.open(run);
  const { scale, emphasis, ...model } = opened.config.model;
  assert.equal({ ...model, scale, emphasis }, PRESETS['diffwave-vocoder'].model);
  const { tensors } = readSafetensors(readFileSync(join(run, 'weights.safetensors')), 'weights');
  assert.equal([...tensors.keys()].sort(), Object.keys(published).sort());
  Object.entries(published).forEach(([name, shape], number) => {
    const stored = tensors.get(name)!;
    assert.equal(stored.shape, shape, name);
    const values = toFloat32(stored, { name: 'weights', key: name });
    assert.equal(values, values.map((_, i) => number + (i % 1024) / 1024), name);
  });
  (await opened.load(await gpuForTests())).destroy();
});

test.run();
