/** Clips in windows: the result is that of the whole clip, to the bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Denoiser } from '../../../src/diffwave/sampling/denoiser.ts';
import { UserError } from '../../../src/errors.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('denoiser');

const CLIPS = [
  { B: 1, L: 5 }, // shorter than the margin
  { B: 1, L: 16 },
  { B: 2, L: 37 },
  { B: 1, L: 131 },
];

for (const { B, L } of CLIPS) {
  test(`${B} × ${L} samples in windows of many widths`, async () => {
    const model = await tinyModel();
    const t = Array.from({ length: B }, (_, b) => 4 - b);
    const predict = async (tileSamples?: number): Promise<{ got: Float32Array; windows: number }> => {
      const denoiser = await Denoiser.create({ model, B, L, tileSamples });
      denoiser.write(clip(B * L));
      await denoiser.predict(t);
      const result = { got: await denoiser.readPredicted(), windows: denoiser.windows.length };
      denoiser.destroy();
      return result;
    };
    const whole = await predict();
    assert.is(whole.windows, 1);
    for (const tileSamples of [1, 2, 3, 6, 15, 50]) {
      const { got, windows } = await predict(tileSamples);
      assert.is(windows > 1, tileSamples + 14 < L); // 14 samples of margin
      assert.equal(got, whole.got, `tiles of ${tileSamples}, ${windows} windows`);
    }
    model.destroy();
  });
}

test('a clip that fits into no binding is refused with the length that would', async () => {
  const model = await tinyModel();
  const most = Math.floor(model.gpu.device.limits.maxStorageBufferBindingSize / 8);
  const error = await Denoiser.create({ model, B: 2, L: most + 1 }).then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError);
  assert.match((error as UserError).message, new RegExp(`at most ${most} samples at this batch`));
  model.destroy();
});

test('a loop: shifting it round shifts the prediction, to the bit, whatever the tiles', async () => {
  const model = await tinyModel();
  for (const { B, L } of [{ B: 1, L: 3 }, { B: 2, L: 16 }, { B: 1, L: 53 }]) { // the margin is 7
    const x = clip(B * L);
    const shifted = (values: Float32Array, by: number): Float32Array<ArrayBuffer> =>
      Float32Array.from(values, (_, i) => values[i - (i % L) + ((i + by) % L)]!);
    const predict = async (values: Float32Array<ArrayBuffer>, tileSamples?: number): Promise<Float32Array> => {
      const denoiser = await Denoiser.create({ model, B, L, tileSamples, loop: true });
      denoiser.write(values);
      await denoiser.predict(new Array<number>(B).fill(2));
      const predicted = await denoiser.readPredicted();
      denoiser.destroy();
      return predicted;
    };
    const whole = await predict(x);
    for (const by of [0, 1, 2, L - 1]) {
      for (const tileSamples of [undefined, 5]) {
        assert.equal(await predict(shifted(x, by), tileSamples), shifted(whole, by), `L ${L} by ${by}, tiles ${tileSamples}`);
      }
    }
    const open = await Denoiser.create({ model, B, L });
    open.write(x);
    await open.predict(new Array<number>(B).fill(2));
    assert.not.equal(await open.readPredicted(), whole, 'without the loop the ends see zeros');
    open.destroy();
  }
  model.destroy();
});

test('memory goes back when a window cannot be', async () => {
  const model = await tinyModel();
  const gpu = await gpuForTests();
  const widestRow = tinyConfig.channels * 4; // bytes, in every variant
  const tileSamples = gpu.device.limits.maxStorageBufferBindingSize / widestRow + 1;
  const impossible = () => Denoiser.create({ model, B: 1, L: tileSamples, tileSamples }).then(() => '', (error: Error) => error.message);
  assert.match(await impossible(), /this adapter binds at most/);
  const before = gpu.buffers.liveBytes;
  await impossible();
  assert.is(gpu.buffers.liveBytes, before);
  model.destroy();
});

test.run();
