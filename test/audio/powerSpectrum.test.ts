import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { frameSizeFor, meanOverFrequency, powerSpectrum } from '../../src/audio/powerSpectrum.ts';
import { normals } from '../../src/reference/random.ts';
import { sine } from './helpers.ts';

const test = suite('powerSpectrum');

const white = (length: number): Float32Array =>
  Float32Array.from(normals({ seed: 1, stream: 0, step: 0, item: 0, length }));

test('white noise of variance 1 is 1 at every frequency', () => {
  const size = 64;
  const spectrum = powerSpectrum(white(64 * 2000), { size });
  assert.is(spectrum.length, size / 2 + 1);
  // 4000 half-overlapping frames: relative standard deviation about 0.018, 0.025 at the two real bins.
  for (const value of spectrum) assert.ok(Math.abs(value - 1) <= 0.12, String(value));
});

test('its mean over frequency is the mean square', () => {
  const tone = sine({ hertz: 1000, sampleRate: 8000, samples: 8192 });
  const meanSquare = tone.reduce((sum, value) => sum + value * value, 0) / tone.length;
  const spectrum = powerSpectrum(tone, { size: 256 });
  const mean = meanOverFrequency(spectrum.length, (bin) => spectrum[bin]!);
  assert.ok(Math.abs(mean - meanSquare) <= 0.001 * meanSquare, `${mean}, wanted ${meanSquare}`);
  assert.is(spectrum.indexOf(Math.max(...spectrum)), 32); // 1000 Hz
});

test('the ends of the axis count half', () => {
  assert.is(meanOverFrequency(5, (bin) => bin), 2);
  assert.is(meanOverFrequency(3, (bin) => (bin === 0 ? 4 : 0)), 1);
});

test('a frame fits into the signal, if that has four samples', () => {
  assert.equal([1, 61, 64, 1000, 2048, 36750].map(frameSizeFor), [4, 32, 64, 512, 1024, 1024]);
});

test.run();
