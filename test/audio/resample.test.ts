import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lowPass } from '../../src/audio/lowpass.ts';
import { decimate, resample } from '../../src/audio/resample.ts';
import { largestDifference, noise, sine } from './helpers.ts';

const test = suite('resample');

/** Half the filter's length in samples of the lower rate: so far from the ends the zeros outside are felt. */
const EDGE = 32;

const peak = (samples: Float32Array) => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const inner = (samples: Float32Array, edge = EDGE) => samples.subarray(edge, samples.length - edge);

test('decimate keeps every third sample of the low-passed signal', () => {
  const signal = noise(1000);
  const cutoffHz = (0.5 - 5.53 / 128) * (22050 / 3);
  const wanted = lowPass(signal, cutoffHz, 22050, 193).filter((_, i) => i % 3 === 0);
  assert.ok(largestDifference(decimate(signal, 3), wanted) <= 1e-6);
});

test('30 s at 22,050 Hz become 220,500 samples', () => {
  assert.is(decimate(new Float32Array(661500), 3).length, 220500);
});

test('decimate leaves a low tone alone and removes one above the new Nyquist frequency', () => {
  const tone = (hertz: number) => sine({ hertz, sampleRate: 22050, samples: 6000 });
  const wanted = sine({ hertz: 2900, sampleRate: 7350, samples: 2000 });
  assert.ok(largestDifference(inner(decimate(tone(2900), 3)), inner(wanted)) <= 3e-4);
  // 0.5 at -74 dB is 1e-4; 3675 Hz is the new Nyquist frequency, 10 kHz would come back as 2650 Hz
  for (const hertz of [3680, 5000, 10000]) assert.ok(peak(inner(decimate(tone(hertz), 3))) <= 1.1e-4);
});

test('decimate by 1 is a copy', () => {
  const signal = noise(10);
  const copy = decimate(signal, 1);
  assert.equal(copy, signal);
  assert.is.not(copy.buffer, signal.buffer);
});

for (const [fromHz, toHz] of [
  [44100, 22050],
  [48000, 22050],
  [16000, 22050],
  [22049, 22050],
  [22050, 7350],
]) {
  test(`${fromHz} to ${toHz} Hz: a tone keeps its frequency, phase and level`, () => {
    const samples = Math.round(fromHz! / 10);
    const hertz = 0.3 * Math.min(fromHz!, toHz!);
    const result = resample(sine({ hertz, sampleRate: fromHz!, samples }), fromHz!, toHz!);
    assert.is(result.length, Math.ceil((samples * toHz!) / fromHz!));
    const wanted = sine({ hertz, sampleRate: toHz!, samples: result.length });
    const edge = Math.ceil(EDGE * Math.max(1, toHz! / fromHz!));
    assert.ok(largestDifference(inner(result, edge), inner(wanted, edge)) <= 3e-4);
  });
}

test('resampling downwards removes what would fold back', () => {
  const result = resample(sine({ hertz: 15000, sampleRate: 48000, samples: 9600 }), 48000, 22050);
  assert.ok(peak(inner(result)) <= 1.1e-4);
});

test('resampling by a whole factor is decimation', () => {
  const signal = noise(900);
  assert.ok(largestDifference(resample(signal, 44100, 14700), decimate(signal, 3)) <= 1e-6);
});

test('a constant stays one', () => {
  const result = resample(new Float32Array(2000).fill(0.5), 44100, 32000);
  assert.ok(largestDifference(inner(result), new Float32Array(result.length - 2 * EDGE).fill(0.5)) <= 1e-6);
});

test('bad arguments are refused', () => {
  const signal = noise(10);
  assert.throws(() => decimate(signal, 0), /whole number of at least 1, not 0/);
  assert.throws(() => decimate(signal, 2.5), /not 2.5/);
  assert.throws(() => resample(signal, 0, 100), /sample rate must be a whole number of at least 1 Hz, not 0/);
  assert.throws(() => resample(signal, 100, 99.5), /not 99.5/);
});

test.run();
