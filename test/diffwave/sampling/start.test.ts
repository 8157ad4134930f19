/** The shaped start against the reference, and against what it is for: a power at every frequency. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { meanOverFrequency, powerSpectrum } from '../../../src/audio/powerSpectrum.ts';
import type { ShapedStartOptions } from '../../../src/diffwave/sampling/start.ts';
import { shapedStart, startTaps } from '../../../src/diffwave/sampling/start.ts';
import { streams } from '../../../src/diffwave/streams.ts';
import { fir } from '../../../src/reference/fir.ts';
import { normals } from '../../../src/reference/random.ts';
import { assertClose } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';

const test = suite('shaped start');

const bins = 33;
const alphaBar = 0.3;
/** 30 dB louder below than above, with a hum. */
const spectrum = Float64Array.from({ length: bins }, (_, k) => 20 / (1 + (k / 4) ** 3) + (k === 20 ? 3 : 0));
const wanted = spectrum.map((power) => alphaBar * power + 1 - alphaBar);
const shape = { spectrum, alphaBar };

/** x, clip by clip. */
async function start(options: Omit<ShapedStartOptions, 'spectrum' | 'alphaBar'> & Partial<ShapedStartOptions>): Promise<Float32Array[]> {
  const gpu = await gpuForTests();
  const { B, L } = options;
  const size = B * L * 4;
  const buffer = gpu.buffers.acquire(size, 'x');
  try {
    await shapedStart(gpu, { buffer, offset: 0, size }, { ...shape, ...options });
    const x = new Float32Array(await gpu.read(buffer, { offset: 0, size }));
    return Array.from({ length: B }, (_, b) => x.slice(b * L, (b + 1) * L));
  } finally {
    gpu.buffers.release(buffer);
  }
}

/** One clip in float64. */
function truth({ L, seed, item, circular = false }: { L: number; seed: number; item: number; circular?: boolean }): Float64Array {
  const taps = Float64Array.from(startTaps(shape));
  const length = L + taps.length - 1;
  const white = normals({ seed, stream: streams.shapedStart, step: 0, item, length });
  return fir({ noise: circular ? white.map((_, i) => white[i % L]!) : white, taps });
}

for (const circular of [false, true]) {
  test(`${circular ? 'a loop' : 'a clip'} is filtered noise, the same in a batch, alone, and in parts`, async () => {
    const L = 301;
    const whole = await start({ B: 2, L, seed: 7, firstItem: 4, circular });
    for (const [b, clip] of whole.entries()) {
      assertClose(clip, truth({ L, seed: 7, item: 4 + b, circular }), { atol: 1e-5, what: 'x' });
    }
    for (const partSamples of [1000, 128, 63]) {
      assert.equal(await start({ B: 1, L, seed: 7, firstItem: 5, circular, partSamples }), [whole[1]]);
    }
    assert.not.equal((await start({ B: 1, L, seed: 8, firstItem: 5, circular }))[0], whole[1]);
  });
}

test('clips shorter than the filter', async () => {
  for (const [L, circular] of [[1, false], [5, false], [5, true], [1, true]] as const) {
    const [clip] = await start({ B: 1, L, circular });
    assertClose(clip!, truth({ L, seed: 0, item: 0, circular }), { atol: 1e-5, what: 'x' });
  }
});

test('a longer clip begins like a shorter one, unless it is a loop', async () => {
  const [long] = await start({ B: 1, L: 500 });
  assert.equal(await start({ B: 1, L: 200 }), [long!.slice(0, 200)]);
});

for (const circular of [false, true]) {
  test(`its power is that of x_T at every frequency${circular ? ', round the loop as well' : ''}`, async () => {
    const L = 2 ** 18;
    const [x] = await start({ B: 1, L, circular });
    const size = 8 * 2 * (bins - 1); // fine enough that the frame's window smears little; every 8th bin is one of ours
    const found = powerSpectrum(x!, { size });
    const ratios = wanted.map((power, k) => found[8 * k]! / power);
    // 1023 half-overlapping frames: a relative standard deviation of 0.034 in a bin, 0.048 in the two real ones.
    for (const [k, ratio] of ratios.entries()) assert.ok(Math.abs(ratio - 1) <= 0.2, `bin ${k}: ${ratio}`);
    assert.ok(Math.abs(meanOverFrequency(bins, (k) => ratios[k]!) - 1) <= 0.03);

    const variance = x!.reduce((sum, value) => sum + value * value, 0) / L;
    const predicted = startTaps(shape).reduce((sum, tap) => sum + tap * tap, 0);
    // The variance's own, relative: 2·∫P²/(L·(∫P)²), about 2e-5 here.
    assert.ok(Math.abs(variance / predicted - 1) <= 0.03, `${variance}, wanted ${predicted}`);
    assert.ok(Math.abs(predicted / meanOverFrequency(bins, (k) => wanted[k]!) - 1) <= 0.01);
  });
}

test('without anything left of the signal it is white noise', async () => {
  const L = 100;
  const [x] = await start({ B: 1, L, alphaBar: 0 });
  assertClose(x!, normals({ seed: 0, stream: streams.shapedStart, step: 0, item: 0, length: L, offset: bins - 1 }), { atol: 1e-5, what: 'x' });
});

test.run();
