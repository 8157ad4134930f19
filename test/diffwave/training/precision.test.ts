import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tape } from '../../../src/autograd/tape.ts';
import { Tensor } from '../../../src/autograd/tensor.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { checkMixedPrecision } from '../../../src/diffwave/training/precision.ts';
import type { Progress } from '../../../src/diffwave/training/loop.ts';
import { train } from '../../../src/diffwave/training/loop.ts';
import { UserError } from '../../../src/errors.ts';
import { naiveSettings } from '../../../src/gpu/device/variant.ts';
import { addStep } from '../../../src/ops/addStep.ts';
import { nodePlatform } from '../../../src/platform/platform.node.ts';
import { sine } from '../../audio/helpers.ts';
import { gpuForTests, ownGpu } from '../../gpuForTests.ts';
import { classic } from '../classic.ts';

const test = suite('mixed precision');
const config = { ...classic.model, layers: 2, channels: 8, dilationCycle: 2, embeddingWidth: 16 };

async function refused(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, UserError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

test('trains like float32 in less memory', async () => {
  const gpu = await gpuForTests();
  const clip = sine({ hertz: 440, sampleRate: 7350, samples: 735 });
  const dataset = { clipCount: 2, clipSamples: clip.length, clip: () => clip };
  const runs = { float32: [] as Progress[], mixed: [] as Progress[] };
  const bytes = { float32: 0, mixed: 0 };
  for (const precision of ['float32', 'mixed'] as const) {
    const model = DiffWave.create(gpu, config, { seed: 1 });
    await train(model, {
      dataset,
      training: { ...classic.training, batchSize: 2, cropSamples: 500, precision },
      steps: 30,
      printEvery: 5,
      onStart: (trainer) => (bytes[precision] = trainer.plan.bytes),
      onProgress: (progress) => runs[precision].push(progress),
    });
    model.destroy();
  }
  assert.ok(bytes.mixed < 0.8 * bytes.float32, `${bytes.mixed} and ${bytes.float32} bytes`);
  assert.is(runs.mixed.length, 7);
  runs.mixed.forEach(({ loss }, i) => {
    // f16 rounds at 5e-4; the curves drift apart slowly, by less than what a batch more or less does.
    const difference = Math.abs(loss - runs.float32[i]!.loss);
    assert.ok(difference <= 5e-3, `loss ${loss} and ${runs.float32[i]!.loss} at step ${runs.float32[i]!.step}`);
    // The first loss is that of a last convolution of zeros.
    assert.ok(i === 0 || loss !== runs.float32[i]!.loss, 'the precision makes no difference at all: is f16 used?');
  });
});

test('is refused with the reason where there is no kernel for it', async () => {
  const gpu = await gpuForTests();
  const usual = gpu.variant;
  gpu.variant = naiveSettings;
  try {
    assert.match(await refused(checkMixedPrecision(DiffWave.create(gpu, config))), /naive kernels.*`precision` at float32/);
  } finally {
    gpu.variant = usual;
  }
  assert.match(await refused(checkMixedPrecision(DiffWave.create(gpu, { ...config, channels: 6 }))), /6 channels/);
});

test('is refused on an adapter whose f16 is wrong', async () => {
  const stem = `conv1d.${(await gpuForTests()).variant.variant}`;
  const text = await (await nodePlatform()).shader(stem);
  const gpu = await ownGpu({ [stem]: text.replace('Stored(s)', 'Stored(s * select(1.0, 1.1, F16 == 1u))') });
  try {
    assert.match(await refused(checkMixedPrecision(DiffWave.create(gpu, config))), /f16 is off by .* in '.*'; leave `precision` at float32/);
  } finally {
    gpu.close();
  }
});

test('an operation without f16 kernels refuses f16 tensors', () => {
  const tape = new Tape();
  const x = tape.result('x', [1, 4, 4], [], 'f16');
  assert.is(x.bytes, 32);
  assert.instance(x, Tensor);
  assert.throws(() => addStep(tape, x, tape.input('step', [1, 4])), /addStep cannot work on x \(1, 4, 4\), which is f16/);
});

test.run();
