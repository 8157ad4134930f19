import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { complexFft, realFft } from '../../src/audio/fft.ts';
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

test('of complex signals: the real and the imaginary part are transformed as such, and exchanged it is the inverse', () => {
  const size = 64;
  const [x, y] = [noise(size, 1), noise(size, 2)];
  const [re, im] = [Float64Array.from(x), Float64Array.from(y)];
  const transform = complexFft(size);
  transform(re, im);
  // X_k of a real signal is the conjugate of X_{N−k}, and so are the parts of x + i·y added.
  const [ofX, ofY] = [x, y].map(naiveDft);
  for (let k = 0; k < size; k++) {
    const [bin, sign] = k <= size / 2 ? [k, 1] : [size - k, -1];
    assert.ok(Math.abs(re[k]! - (ofX!.re[bin]! - sign * ofY!.im[bin]!)) <= size * 1e-14);
    assert.ok(Math.abs(im[k]! - (sign * ofX!.im[bin]! + ofY!.re[bin]!)) <= size * 1e-14);
  }
  transform(im, re);
  assert.ok(largestDifference(re.map((value) => value / size), x) <= size * 1e-14);
  assert.ok(largestDifference(im.map((value) => value / size), y) <= size * 1e-14);
});

test('the FFT refuses other sizes and frames', () => {
  for (const size of [0, 1, 3, 100, NaN]) assert.throws(() => realFft(size), /must be a power of two/);
  assert.throws(() => realFft(8)(new Float32Array(7)), /a frame must have 8 samples, not 7/);
  for (const size of [0, 1, 3, 100, NaN]) assert.throws(() => complexFft(size), /must be a power of two/);
  assert.throws(() => complexFft(8)(new Float64Array(8), new Float64Array(7)), /a frame must have 8 samples, not 8 and 7/);
});

test.run();
