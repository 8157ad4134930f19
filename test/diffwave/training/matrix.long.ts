/** The precision `matrix` as a whole, with emulated matrices: a network's kernels take Mesa minutes to compile. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { Progress } from '../../../src/diffwave/training/loop.ts';
import { train } from '../../../src/diffwave/training/loop.ts';
import { usableMatrices, usablePrecision } from '../../../src/diffwave/training/precision.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import { compact, emulatingGpu, matrixVariant, shaderText, shapes } from '../../ops/matrix/emulated.ts';
import { dataset } from '../trial.ts';
import { classic } from '../classic.ts';

const test = suite('precision matrix, emulated');

const settings = compact(shapes.f16);
const config = { ...classic.model, layers: 1, channels: 8, dilationCycle: 1, encodingWidth: 16, embeddingWidth: 16 };

/** A Gpu with emulated matrices, whose shaders may be others. */
async function withMatrices(shaders: Readonly<Record<string, string>> = {}): Promise<Gpu> {
  const gpu = await emulatingGpu(settings, shaders);
  gpu.matrix = matrixVariant(settings);
  return gpu;
}

test('a kernel that does not undo the scale of gradients is found out', async () => {
  const text = shaderText('weightGradient.matrix');
  const wrong = await withMatrices({ 'weightGradient.matrix': text.replace('i % COLUMNS] * params.unscale', 'i % COLUMNS]') });
  using other = DiffWave.create(wrong, config);
  assert.match((await usablePrecision(other, 'matrix')).note!, /^mixed instead of matrix: they are off by .* in '.*weight'$/);
  wrong.close();
});

test('trains and samples like float32', async () => {
  using gpu = await withMatrices();
  const runs = { float32: [] as Progress[], matrix: [] as Progress[] };
  for (const precision of ['float32', 'matrix'] as const) {
    using model = DiffWave.create(gpu, config, { seed: 1 });
    await train(model, {
      dataset, steps: 12, printEvery: 4,
      training: { ...classic.training, batchSize: 2, cropSamples: 90, precision },
      onStart: ({ used }) => assert.equal([used.precision, used.variant.variant, used.note], [precision, precision === 'matrix' ? 'matrix' : gpu.variant.variant, undefined]),
      onProgress: (progress) => runs[precision].push(progress),
    });
  }
  runs.matrix.forEach(({ loss }, i) => {
    const wanted = runs.float32[i]!.loss;
    assert.ok(Math.abs(loss - wanted) <= 5e-3, `loss ${loss} and ${wanted}`);
    assert.ok(i === 0 || loss !== wanted, 'the precision makes no difference at all: are matrices used?');
  });

  using model = DiffWave.create(gpu, config, { seed: 1 });
  const usual = await sample(model, { shape: [1, 61], steps: 2, seed: 3 });
  const variant = await usableMatrices(model);
  assert.ok(typeof variant !== 'string');
  gpu.variant = variant;
  const { audio } = await sample(model, { shape: [1, 61], steps: 2, seed: 3 });
  const off = audio[0]!.reduce((worst, value, i) => Math.max(worst, Math.abs(value - usual.audio[0]![i]!)), 0);
  assert.ok(off <= 0.01, `${off}`);
});

test.run();
