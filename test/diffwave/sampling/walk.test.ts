/** Sampling in place, tile by tile: the tiles change no bit, and memory grows by x_t alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { presetNamed } from '../../../src/diffwave/presets.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { sample, samplingMemory } from '../../../src/diffwave/sampling/sampling.ts';
import { inpaint, variation } from '../../../src/diffwave/sampling/verbs.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { assertClose, largest } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('walk');

const HOUR = 3600 * 7350; // samples, of the preset gtzan

test('tiles change no bit: every sampler, borders at every alignment, clips shorter than the margin, batches, loops', async () => {
  const model = await tinyModel();
  const made = async (options: SampleOptions): Promise<Float32Array[]> => (await sample(model, { seed: 9, ...options })).audio;
  for (const [B, L] of [[1, 3], [2, 16], [1, 53], [2, 37]] as const) { // the margin is 7
    const audio = clip(L, 4).map((value) => value / 4);
    const cases: Omit<SampleOptions, 'shape'>[] = [
      {},
      { sampler: 'ddim', eta: 0.5, steps: 3 },
      { sampler: 'dpm++', steps: 4 },
      { sampler: 'dpm++', loop: true },
      { loop: true },
      { verb: variation({ audio, strength: 0.6 }) },
      { verb: inpaint({ audio, from: 1, to: L, resamplings: 2, jump: 2 }), loop: L > 20 },
    ];
    for (const [i, options] of cases.entries()) {
      const whole = await made({ ...options, shape: [B, L] });
      // From cores of one sample on, their borders fall on every place of a block of four normals and of a workgroup.
      for (const tileSamples of L > 20 ? [1, 2, 13] : [1, 5]) {
        assert.equal(await made({ ...options, shape: [B, L], tileSamples }), whole, `${B} × ${L}, case ${i}, tiles of ${tileSamples}`);
      }
    }
  }
  model.destroy();
});

test('every variant of the kernels makes the same sound, to 1e-4 of its largest sample: what adapters may differ by', async () => {
  const gpu = await gpuForTests();
  const usual = gpu.variant;
  const config = { ...tinyConfig, channels: 8 };
  const made = new Map<string, Float32Array>();
  try {
    for (const variant of ['naive', 'tile', 'broadcast'] as const) {
      gpu.variant = variantNamed(variant, gpu.device, gpu.info)!;
      const model = await tinyModel(config);
      made.set(variant, (await sample(model, { shape: [1, 300], seed: 4 })).audio[0]!);
      model.destroy();
    }
  } finally {
    gpu.variant = usual;
  }
  const [naive, ...others] = made.values();
  for (const other of others) assertClose(other, naive!, { atol: 1e-4 * largest(naive!), what: 'sample' });
});

test('sample i of many is sample i made alone, whatever the tiles', async () => {
  const model = await tinyModel();
  const many = await sample(model, { shape: [4, 45], seed: 2, tileSamples: 11 });
  for (const firstItem of [0, 1, 3]) {
    const { audio } = await sample(model, { shape: [1, 45], seed: 2, firstItem });
    assert.equal(audio[0], many.audio[firstItem]);
  }
  model.destroy();
});

test('what is planned is what is allocated; a minute and an hour differ by x_t alone', async () => {
  const gpu = await gpuForTests();
  const model = DiffWave.create(gpu, presetNamed('gtzan').model);
  const memory = (L: number, options: Partial<SampleOptions> = {}) => samplingMemory(model, { ...options, shape: [1, L] });
  const [minute, hour] = [memory(60 * 7350), memory(HOUR)];
  assert.is(hour.tile, minute.tile);
  assert.equal([minute.clips, hour.clips], [60 * 7350 * 4, HOUR * 4].map((bytes) => Math.ceil(bytes / 256) * 256));
  assert.ok(memory(10 * 7350).tile < minute.tile, 'a short clip needs no whole tile');
  assert.is(memory(HOUR, { sampler: 'dpm++' }).clips, 2 * hour.clips);
  assert.is(memory(60 * 7350, { tileSamples: 2048 }).tile < minute.tile / 10, true);
  model.destroy();

  const small = await tinyModel();
  gpu.buffers.trim();
  const before = gpu.buffers.liveBytes;
  const options = { shape: [2, 700], sampler: 'dpm++', tileSamples: 100 } as const;
  const planned = samplingMemory(small, options);
  assert.is(gpu.buffers.liveBytes, before, 'planning allocates nothing');
  await sample(small, options);
  const start = 2 * 256; // uniforms of the program that writes x_T, which is small beside everything else
  assert.is(gpu.buffers.liveBytes - before, planned.clips + planned.tile + start);
  small.destroy();
});

test('an hour of sound starts within a binding of 128 MiB', async () => {
  assert.ok(HOUR * 4 <= 128 * 2 ** 20);
  const model = await tinyModel(tinyConfig);
  let first: [number, number] | undefined;
  const stop = (done: number, total: number): void => {
    first = [done, total];
    throw new Error('enough');
  };
  const message = await sample(model, { shape: [1, HOUR], onTile: stop }).then(() => '', (error: Error) => error.message);
  assert.is(message, 'enough');
  // The first window has 2^17 samples, of which the last 7 are the margin.
  assert.equal(first, [(2 ** 17 - 7) / HOUR, tinyConfig.diffusionSteps]);
  model.gpu.buffers.trim();
  model.destroy();
});

test.run();
