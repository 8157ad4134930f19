/** Clips in windows: the result is that of the whole clip, to the bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { receptiveField } from '../../src/diffwave/config.ts';
import { Denoiser, windowWidth, windowsOf } from '../../src/diffwave/denoiser.ts';
import { UserError } from '../../src/errors.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { clip, tinyConfig, tinyModel } from './tiny.ts';

const test = suite('denoiser');

const halo = (receptiveField(tinyConfig) - 1) / 2; // 7

test('windows: cores touch, and no sample that is kept sees a cut', () => {
  for (let L = 1; L <= 60; L++) {
    for (const width of [2 * halo + 1, 2 * halo + 2, 23, 40, 64]) {
      let next = 0;
      for (const { start, coreStart, coreEnd } of windowsOf({ L, width, halo })) {
        const end = start + Math.min(width, L);
        const what = `L ${L}, width ${width}, window at ${start}, core ${coreStart}–${coreEnd}`;
        assert.is(coreStart, next, what);
        assert.ok(coreEnd > coreStart, what);
        assert.ok(start >= 0 && end <= L, what);
        assert.ok(start === 0 || coreStart - start >= halo, what);
        assert.ok(end === L || end - coreEnd >= halo, what);
        next = coreEnd;
      }
      assert.is(next, L);
    }
  }
});

test('a window that is all margin is refused', () => {
  assert.throws(
    () => windowsOf({ L: 100, width: 2 * halo, halo }),
    /a window of 14 samples has no core between two margins of 7/,
  );
});

test('the width is what the adapter takes, at most the clip', () => {
  const width = (B: number, L: number, maxStorageBufferBindingSize: number): number =>
    windowWidth(tinyConfig, { B, L }, { maxStorageBufferBindingSize });
  const row = 2 * tinyConfig.channels * 4; // bytes
  assert.is(width(1, 50, 1e9), 50);
  assert.is(width(1, 10_000, 1000 * row), 1000);
  assert.is(width(3, 10_000, 1000 * row), 333);
  const message = /^40 clips at once are too many .* 15 samples: use a smaller batch$/;
  assert.throws(() => width(40, 10_000, 1000 * row), (error: unknown) =>
    error instanceof UserError && message.test(error.message));
});

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
    const predict = async (width?: number): Promise<{ got: Float32Array; windows: number }> => {
      const denoiser = await Denoiser.create({ model, B, L, width });
      denoiser.write(clip(B * L));
      await denoiser.predict(t);
      const result = { got: await denoiser.readPredicted(), windows: denoiser.windows.length };
      denoiser.destroy();
      return result;
    };
    const whole = await predict();
    assert.is(whole.windows, 1);
    for (const width of [15, 16, 17, 20, 29, 64]) {
      const { got, windows } = await predict(width);
      assert.is(windows > 1, width < L);
      assert.equal(got, whole.got, `width ${width}, ${windows} windows`);
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

test('memory goes back when a window cannot be', async () => {
  const model = await tinyModel();
  const gpu = await gpuForTests();
  const impossible = () => Denoiser.create({ model, B: 1, L: 100, width: 2 * halo }).catch(() => undefined);
  await impossible();
  const before = gpu.buffers.liveBytes;
  await impossible();
  assert.is(gpu.buffers.liveBytes, before);
  model.destroy();
});

test.run();
