import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hertzOf, melBands, melOf } from '../../src/audio/mel.ts';

const test = suite('mel');

const near = (actual: number, wanted: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(actual - wanted) <= tolerance, `${actual}, wanted ${wanted}`);

test('both scales at frequencies that are known, and back', () => {
  near(melOf(700), 2595 * Math.log10(2));
  near(melOf(1000), 1000, 0.02); // what the constants were made for
  for (const [hertz, mel] of [[0, 0], [200, 3], [1000, 15], [6400, 42], [6400 * 6.4, 69]] as const) near(melOf(hertz, 'slaney'), mel);
  for (const scale of ['htk', 'slaney'] as const) for (const hertz of [0, 50, 999, 1000, 1001, 22050]) near(hertzOf(melOf(hertz, scale), scale), hertz, 1e-8);
});

test('triangles of height 1 that overlap add up to 1 between the first and the last peak', () => {
  const options = { sampleRate: 7350, size: 256, bands: 20, fromHz: 50 };
  const sum = new Float64Array(129);
  const bands = melBands(options);
  for (const { first, weights } of bands) weights.forEach((weight, i) => (sum[first + i]! += weight));
  const edge = (i: number): number => hertzOf(melOf(50) + ((melOf(3675) - melOf(50)) * i) / 21);
  let seen = 0;
  sum.forEach((value, bin) => {
    const hertz = (bin * 7350) / 256;
    if (hertz < edge(0)) assert.is(value, 0);
    if (hertz < edge(1) || hertz > edge(20)) return;
    near(value, 1);
    seen += 1;
  });
  assert.ok(seen > 100);
});

test('norms: an area of 1 over Hz, and weights that make a mean', () => {
  const options = { sampleRate: 16000, size: 4096, bands: 24, scale: 'slaney' } as const;
  const sum = (weights: Float64Array): number => weights.reduce((total, value) => total + value, 0);
  for (const { weights } of melBands({ ...options, norm: 'area' })) near(sum(weights) * (16000 / 4096), 1, 0.01);
  for (const { weights } of melBands({ ...options, norm: 'mean' })) near(sum(weights), 1);
});

test('a band between two bins has no weights, whatever the norm', () => {
  const bands = melBands({ sampleRate: 8000, size: 16, bands: 40, norm: 'mean' });
  assert.ok(bands.some(({ weights }) => weights.length === 0));
  assert.ok(bands.every(({ weights }) => weights.every(Number.isFinite)));
});

test('what is no bank of filters is refused', () => {
  const options = { sampleRate: 8000, size: 256, bands: 8 };
  assert.throws(() => melBands({ ...options, bands: 0 }), /number of bands/);
  assert.throws(() => melBands({ ...options, toHz: 4001 }), /no range within 0 to 4000 Hz/);
  assert.throws(() => melBands({ ...options, fromHz: 500, toHz: 500 }), /no range/);
  assert.throws(() => melBands({ ...options, fromHz: -1 }), /no range/);
});

test.run();
