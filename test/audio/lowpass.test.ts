import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TRANSITION, lowPass } from '../../src/audio/lowpass.ts';
import { largestDifference, noise } from './helpers.ts';

const test = suite('lowPass');

const SAMPLE_RATE = 22050;
const CASES = [
  { cutoffHz: 3675, taps: 101 },
  { cutoffHz: 3358, taps: 193 },
  { cutoffHz: 1000, taps: 301 },
];

/** What an impulse in the middle of `length` zeros becomes. */
function impulseResponse({ cutoffHz, taps, length }: { cutoffHz: number; taps: number; length: number }): Float32Array {
  const impulse = new Float32Array(length);
  impulse[(length - 1) / 2] = 1;
  return lowPass(impulse, cutoffHz, SAMPLE_RATE, taps);
}

/** Amplitude at one frequency: the magnitude of the discrete Fourier transform of an impulse response. */
function amplitudeAt(response: Float32Array, hertz: number): number {
  let re = 0;
  let im = 0;
  response.forEach((value, n) => {
    re += value * Math.cos((2 * Math.PI * hertz * n) / SAMPLE_RATE);
    im -= value * Math.sin((2 * Math.PI * hertz * n) / SAMPLE_RATE);
  });
  return Math.hypot(re, im);
}

const decibels = (amplitude: number) => 20 * Math.log10(amplitude);
const grid = ({ from, to }: { from: number; to: number }) =>
  Array.from({ length: 200 }, (_, i) => from + ((to - from) * i) / 199);

for (const { cutoffHz, taps } of CASES) {
  const response = impulseResponse({ cutoffHz, taps, length: taps });
  const halfTransition = ((TRANSITION / (taps - 1)) * SAMPLE_RATE) / 2;

  test(`${taps} taps at ${cutoffHz} Hz: the gain at 0 Hz is 1`, () => {
    assert.ok(Math.abs(amplitudeAt(response, 0) - 1) <= 1e-6);
  });

  test(`${taps} taps at ${cutoffHz} Hz: the pass band is flat to 0.003 dB`, () => {
    for (const hertz of grid({ from: 0, to: cutoffHz - halfTransition })) {
      const level = decibels(amplitudeAt(response, hertz));
      assert.ok(Math.abs(level) <= 0.003, `${level} dB at ${hertz} Hz`);
    }
  });

  test(`${taps} taps at ${cutoffHz} Hz: the level at the cutoff is -6 dB`, () => {
    assert.ok(Math.abs(decibels(amplitudeAt(response, cutoffHz)) - decibels(0.5)) <= 0.05);
  });

  test(`${taps} taps at ${cutoffHz} Hz: the stop band is below -74 dB`, () => {
    for (const hertz of grid({ from: cutoffHz + halfTransition, to: SAMPLE_RATE / 2 })) {
      const level = decibels(amplitudeAt(response, hertz) + 1e-12);
      assert.ok(level <= -74, `${level} dB at ${hertz} Hz`);
    }
  });

  test(`${taps} taps at ${cutoffHz} Hz: an impulse stays where it is and its response is symmetric`, () => {
    const long = impulseResponse({ cutoffHz, taps, length: 2 * taps + 1 });
    assert.is(long.length, 2 * taps + 1);
    assert.is(long.indexOf(Math.max(...long)), taps);
    assert.equal(long, long.slice().reverse());
  });
}

test('is the convolution with the impulse response, with zeros outside the ends', () => {
  const taps = 21;
  const signal = noise(50);
  const kernel = impulseResponse({ cutoffHz: 4000, taps, length: taps });
  const wanted = signal.map((_, i) =>
    kernel.reduce((sum, weight, k) => sum + weight * (signal[i - (taps - 1) / 2 + k] ?? 0), 0),
  );
  // 21 products of float32 weights, each rounded to 2^-24 of at most 0.4
  assert.ok(largestDifference(lowPass(signal, 4000, SAMPLE_RATE, taps), wanted) <= 1e-6);
});

test('a constant is unchanged away from the ends', () => {
  const filtered = lowPass(new Float32Array(500).fill(0.7), 2000, SAMPLE_RATE, 101);
  assert.ok(largestDifference(filtered.subarray(50, 450), new Float32Array(400).fill(0.7)) <= 1e-6);
});

test('the shortest filter and signals shorter than the filter work', () => {
  // The window is zero at both ends: of 3 taps only the middle one is left.
  assert.ok(largestDifference(lowPass(Float32Array.of(1, 2, 3), 4000, SAMPLE_RATE, 3), [1, 2, 3]) <= 1e-6);
  assert.is(lowPass(Float32Array.of(1), 4000, SAMPLE_RATE, 101).length, 1);
  assert.is(lowPass(new Float32Array(0), 4000, SAMPLE_RATE, 101).length, 0);
});

const signal = new Float32Array(10);
const REFUSED: [what: string, call: () => unknown, message: RegExp][] = [
  ['even taps', () => lowPass(signal, 1000, 8000, 100), /taps must be odd and at least 3, not 100/],
  ['one tap', () => lowPass(signal, 1000, 8000, 1), /taps must be odd and at least 3, not 1/],
  ['broken taps', () => lowPass(signal, 1000, 8000, 10.5), /taps must be odd and at least 3, not 10.5/],
  [
    'a cutoff at Nyquist',
    () => lowPass(signal, 4000, 8000, 11),
    /between 0 and half the sample rate \(4000 Hz\), not at 4000/,
  ],
  ['a cutoff of 0', () => lowPass(signal, 0, 8000, 11), /not at 0 Hz/],
  ['a NaN cutoff', () => lowPass(signal, NaN, 8000, 11), /not at NaN Hz/],
  ['no sample rate', () => lowPass(signal, 1000, 0, 11), /sample rate must be above 0 Hz, not 0/],
];

for (const [what, call, message] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(call, (error: unknown) => error instanceof RangeError && message.test(error.message));
  });
}

test.run();
