import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spectralFir } from '../../src/audio/spectralFir.ts';
import { noise } from './helpers.ts';

const test = suite('spectralFir');

/** The gain of symmetric taps at a frequency in cycles per sample. */
function gainAt(taps: Float64Array, frequency: number): number {
  const centre = (taps.length - 1) / 2;
  return taps.reduce((sum, tap, i) => sum + tap * Math.cos(2 * Math.PI * frequency * (i - centre)), 0);
}

test('whatever the gains, they are met at their frequencies, and the phase is linear', () => {
  const gain = noise(33).map((value) => 1.5 + value);
  const taps = spectralFir(gain);
  assert.is(taps.length, 65);
  assert.equal([...taps], [...taps].reverse());
  gain.forEach((value, k) => assert.ok(Math.abs(gainAt(taps, k / 64) - value) <= 1e-12, `bin ${k}`));
});

test('a gain that is smooth over frequency is met in between, too', () => {
  const wanted = (frequency: number): number => Math.exp(Math.cos(2 * Math.PI * frequency));
  const taps = spectralFir(Float64Array.from({ length: 65 }, (_, k) => wanted(k / 128)));
  for (let k = 0; k < 64; k++) {
    const between = (k + 0.5) / 128;
    assert.ok(Math.abs(gainAt(taps, between) - wanted(between)) <= 1e-12, `at ${between}`);
  }
});

test('no change is a single tap', () => {
  const taps = spectralFir(new Float64Array(9).fill(1));
  taps.forEach((tap, i) => assert.ok(Math.abs(tap - (i === 8 ? 1 : 0)) <= 1e-15));
});

test('only what a fast transform can do', () => {
  assert.throws(() => spectralFir(new Float64Array(8)), /must be a power of two and at least 2, not 14/);
});

test.run();
