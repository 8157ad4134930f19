import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realFft } from '../../src/audio/fft.ts';
import { largestDifference, noise } from './helpers.ts';

const test = suite('fft');

/** X_k = Σ_n x_n · exp(−2πi·kn / N), term by term. */
function naiveDft(frame: Float32Array) {
  const bins = frame.length / 2 + 1;
  const part = (of: (angle: number) => number) =>
    Float64Array.from({ length: bins }, (_, k) =>
      frame.reduce((sum, value, n) => sum + value * of((2 * Math.PI * k * n) / frame.length), 0),
    );
  return { re: part(Math.cos), im: part((angle) => -Math.sin(angle)) };
}

for (const size of [2, 4, 8, 64, 256]) {
  test(`the FFT of ${size} samples is the discrete Fourier transform`, () => {
    const frame = noise(size);
    const { re, im } = realFft(size)(frame);
    const wanted = naiveDft(frame);
    // float64 throughout: at most `size` terms of about 1
    assert.ok(largestDifference(re, wanted.re) <= size * 1e-14);
    assert.ok(largestDifference(im, wanted.im) <= size * 1e-14);
  });
}

test('the FFT refuses other sizes and frames', () => {
  for (const size of [0, 1, 3, 100, NaN]) assert.throws(() => realFft(size), /must be a power of two/);
  assert.throws(() => realFft(8)(new Float32Array(7)), /a frame must have 8 samples, not 7/);
});

test.run();
