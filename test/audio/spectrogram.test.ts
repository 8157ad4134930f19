import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { logSpectrumDistance, meanLogSpectrum, spectrogram, stft } from '../../src/audio/spectrogram.ts';
import { largestDifference, noise, sine } from './helpers.ts';

const test = suite('spectrogram');

test('a full-scale sine has 0 dB at its own bin and less everywhere else', () => {
  const samples = sine({ hertz: 100, sampleRate: 1024, samples: 2048, amplitude: 1 });
  const { frames, bins, db } = spectrogram(samples, { size: 256, hop: 64 });
  assert.is(bins, 129);
  assert.is(frames, 1 + (2048 - 256) / 64);
  for (let frame = 0; frame < frames; frame++) {
    const levels = db.subarray(frame * bins, (frame + 1) * bins);
    assert.is(levels.indexOf(Math.max(...levels)), 25); // 100 Hz · 256 / 1024 Hz
    assert.ok(Math.abs(levels[25]!) <= 0.01);
  }
});

test('only whole frames are taken, a short signal is padded to one', () => {
  assert.is(stft(noise(1000), { size: 256, hop: 100 }).frames, 8); // the last begins at 700
  assert.is(stft(noise(255), { size: 256, hop: 100 }).frames, 1);
});

test('frames of silence are at the floor', () => {
  const { db } = spectrogram(new Float32Array(600), { size: 256, floorDb: -90 });
  for (const level of db) assert.ok(Math.abs(level + 90) <= 1e-4);
});

test('the mean spectrum is the mean over the frames of the spectrogram', () => {
  const samples = noise(1500);
  const { db, bins, frames } = spectrogram(samples, { size: 128, hop: 50 });
  const wanted = Array.from({ length: bins }, (_, k) => {
    let sum = 0;
    for (let frame = 0; frame < frames; frame++) sum += db[frame * bins + k]!;
    return sum / frames;
  });
  assert.ok(largestDifference(meanLogSpectrum(samples, { size: 128, hop: 50 }), wanted) <= 1e-4);
  assert.is(meanLogSpectrum(samples).length, 513);
});

test('the log-spectral distance is 0 to itself, and a known number otherwise', () => {
  const spectrum = meanLogSpectrum(noise(5000));
  assert.is(logSpectrumDistance(spectrum, spectrum), 0);
  assert.ok(
    Math.abs(
      logSpectrumDistance(
        spectrum,
        spectrum.map((db) => db - 6),
      ) - 6,
    ) <= 1e-9,
  );
  assert.ok(Math.abs(logSpectrumDistance(Float64Array.of(0, 0), Float64Array.of(3, 4)) - Math.sqrt(12.5)) <= 1e-12);
});

test('halving a sound moves its spectrum by 6 dB', () => {
  const loud = noise(5000);
  const distance = logSpectrumDistance(meanLogSpectrum(loud), meanLogSpectrum(loud.map((value) => value / 2)));
  assert.ok(Math.abs(distance - 20 * Math.log10(2)) <= 1e-6);
});

test('bad input is refused', () => {
  assert.throws(() => stft(new Float32Array(0)), /there are no samples/);
  assert.throws(() => stft(Float32Array.of(0, NaN)), /sample 1 of 2 is NaN/);
  assert.throws(() => stft(noise(10), { size: 100 }), /power of two/);
  assert.throws(() => stft(noise(10), { hop: 0 }), /hop must be a whole number above 0/);
  assert.throws(() => logSpectrumDistance(new Float64Array(3), new Float64Array(4)), /3 and 4 bins cannot be compared/);
});

test.run();
