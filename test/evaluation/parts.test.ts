/** What the yardstick is made of. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { powerSpectrum } from '../../src/audio/powerSpectrum.ts';
import { Embedding } from '../../src/evaluation/embedding.ts';
import { gaussianProcesses } from '../../src/evaluation/gaussianProcess.ts';
import { LogMelFrames } from '../../src/evaluation/logMel.ts';
import { modulationDistance, modulationSize, modulationSpectrum } from '../../src/evaluation/modulation.ts';
import { coverWithPieces, cutIntoPieces, drawPieces, some } from '../../src/evaluation/pieces.ts';
import { sine } from '../audio/helpers.ts';
import { white } from './music.ts';

const test = suite('evaluation/parts');

const near = (actual: number, wanted: number, tolerance: number, what = ''): void =>
  assert.ok(Math.abs(actual - wanted) <= tolerance, `${what} ${actual}, wanted ${wanted}`);
const flat = Float64Array.of(1, 1, 1);

test('a Gaussian process has the spectrum that it is given, and does not go round', () => {
  const spectrum = Float64Array.from({ length: 33 }, (_, k) => 1 + 3 * Math.exp(-(((k - 8) / 4) ** 2)));
  const place = { seed: 1, stream: 0, step: 0, item: 0 };
  const [process, other] = gaussianProcesses([spectrum, flat], { length: 100000, place });
  const measured = powerSpectrum(process!, { size: 64 });
  measured.forEach((value, k) => near(value / spectrum[k]!, 1, 0.12, `bin ${k}:`));
  powerSpectrum(other!, { size: 64 }).forEach((value) => near(value, 1, 0.12));
  const mean = process!.reduce((sum, value) => sum + value, 0) / process!.length;
  near(mean, 0, 0.05);
  // Kurtosis of a normal distribution.
  const [second, fourth] = [2, 4].map((power) => process!.reduce((sum, value) => sum + value ** power, 0) / process!.length);
  near(fourth! / second! ** 2, 3, 0.12);
  assert.equal(gaussianProcesses([spectrum], { length: 100000, place })[0], process);
});

test('log-mel: white noise is flat at its level, silence is at the floor, a tone is in its band', () => {
  for (const sampleRate of [1000, 7350, 22050, 48000]) {
    const frames = new LogMelFrames({ sampleRate, spectrum: flat });
    const noise = frames.of(white(0, 4 * sampleRate));
    for (let band = 0; band < noise.bands; band++) {
      let mean = 0;
      for (let frame = 0; frame < noise.frames; frame++) mean += Math.exp(noise.values[frame * noise.bands + band]!) / noise.frames;
      near(mean, 1, 0.35, `${sampleRate} Hz, band ${band}:`);
    }
    const silent = frames.of(new Float32Array(sampleRate));
    silent.values.forEach((value) => near(value, Math.log(1e-4 + 1e-6), 1e-9));
    const tone = frames.of(sine({ hertz: sampleRate / 4, sampleRate, samples: sampleRate }));
    const row = [...tone.values.subarray(0, tone.bands)];
    const loudest = row.indexOf(Math.max(...row));
    assert.ok(loudest > 0 && loudest < tone.bands - 1 && row[0]! < row[loudest]! - 4, `${sampleRate} Hz`);
    near(frames.hop / sampleRate, 0.0125, 0.0005);
    assert.is(frames.of(new Float32Array(frames.samplesOf(20))).frames, 20);
    assert.is(frames.of(new Float32Array(frames.samplesOf(20) - 1)).frames, 19);
  }
});

test('the embedding: 42 numbers, each the correlation with its cosines', () => {
  const embedding = new Embedding(32);
  assert.is(embedding.size, 42);
  const constant = { frames: 12, bands: 32, values: new Float64Array(12 * 32).fill(2) };
  embedding.of(constant).forEach((value, i) => near(value, i === 0 ? 2 * Math.sqrt(12 * 32) : 0, 1e-12));
  // A wave over the frames alone, r = 2: behind the 12 numbers of r = 0 and the 10 of r = 1.
  const wave = (t: number): number => Math.cos((Math.PI * (t + 0.5) * 2) / 12);
  const moving = { ...constant, values: Float64Array.from({ length: 12 * 32 }, (_, i) => wave(Math.floor(i / 32))) };
  embedding.of(moving).forEach((value, i) => near(value, i === 22 ? Math.sqrt(6 * 32) : 0, 1e-12));
  assert.is(embedding.of({ frames: 30, bands: 32, values: new Float64Array(30 * 32) }).length, 4 * 42);
  assert.is(embedding.of({ frames: 11, bands: 32, values: new Float64Array(11 * 32) }).length, 0);
});

test('modulation: a wave in the loudness is found at its frequency, whatever the level', () => {
  const sampleRate = 8000;
  const frames = new LogMelFrames({ sampleRate, spectrum: flat });
  const options = { size: 64, framesPerSecond: frames.framesPerSecond };
  const wobbling = (hertz: number, level: number): Float32Array =>
    white(1, 4 * sampleRate).map((value, n) => level * value * (1 + 0.9 * Math.sin((2 * Math.PI * hertz * n) / sampleRate)));
  const of = (sound: Float32Array) => modulationSpectrum(frames.of(sound), options);
  const means = (sound: Float32Array): number[] => {
    const { power } = of(sound);
    return [0, 1, 2, 3, 4].map((group) => power.filter((_, i) => i % 5 === group).reduce((sum, value) => sum + value, 0));
  };
  for (const [hertz, group] of [[2.5, 0], [4, 1], [6.25, 2], [16, 4]] as const) {
    const groups = means(wobbling(hertz, 1));
    assert.is(groups.indexOf(Math.max(...groups)), group, `${hertz} Hz: ${groups}`);
  }
  near(modulationDistance(of(wobbling(4, 1)), of(wobbling(4, 3))), 0, 0.1);
  const steady = of(white(2, 4 * sampleRate));
  assert.is(modulationDistance(steady, steady), 0);
  assert.ok(modulationDistance(of(wobbling(4, 1)), steady) > 3);
  assert.equal([16, 31, 32, 63, 64, 500].map(modulationSize), [16, 16, 32, 32, 64, 64]);
});

test('pieces: every clip before any twice, within its clip, functions of seed and draw', () => {
  const clips = { clipCount: 5, clipSamples: 10, clip: (i: number) => Float32Array.from({ length: 10 }, (_, n) => 10 * i + n) };
  const drawn = drawPieces(clips, { count: 10, length: 4, seed: 1, draw: 0 });
  for (const part of [drawn.slice(0, 5), drawn.slice(5)]) {
    assert.equal(part.map((piece) => Math.floor(piece[0]! / 10)).sort(), [0, 1, 2, 3, 4]);
  }
  for (const piece of drawn) assert.equal([...piece], [0, 1, 2, 3].map((n) => piece[0]! + n));
  assert.ok(drawn.every((piece) => piece[0]! % 10 <= 6));
  assert.equal(drawPieces(clips, { count: 10, length: 4, seed: 1, draw: 0 }), drawn);
  assert.not.equal(drawPieces(clips, { count: 10, length: 4, seed: 1, draw: 1 }), drawn);
  assert.not.equal(drawPieces(clips, { count: 10, length: 4, seed: 2, draw: 0 }), drawn);
  assert.equal(coverWithPieces(some(clips, 2), 4).map((piece) => piece[0]), [0, 3, 6, 20, 23, 26]);
  assert.equal(coverWithPieces(some(clips, 9), 10).map((piece) => piece[0]), [0, 10, 20, 30, 40]);
  assert.equal(cutIntoPieces([clips.clip(0)], 4)[0]!.map((piece) => [...piece]), [[0, 1, 2, 3], [4, 5, 6, 7]]);
});

test.run();
