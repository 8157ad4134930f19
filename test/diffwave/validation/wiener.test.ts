/** The formula against an experiment: Gaussian data of a known spectrum, and the best filter that least squares finds. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { powerSpectrum } from '../../../src/audio/powerSpectrum.ts';
import { wienerLoss, zeroLoss } from '../../../src/diffwave/validation/wiener.ts';
import { normals } from '../../../src/reference/random.ts';

const test = suite('wiener');

const samples = 40_000;
const normal = (stream: number): Float64Array => Float64Array.from(normals({ seed: 7, stream, step: 0, item: 0, length: samples }));

/** x[n] = φ·x[n−1] + √(1−φ²)·w[n]: variance 1, spectrum (1−φ²)/(1 − 2φ·cos ω + φ²). */
const phi = 0.9;
const data = (() => {
  const drive = normal(0);
  const x = new Float64Array(samples);
  for (let n = 0; n < samples; n++) x[n] = phi * (n ? x[n - 1] : 0)! + Math.sqrt(1 - phi ** 2) * drive[n]!;
  return x;
})();
const bins = 513;
const spectrum = Float64Array.from({ length: bins }, (_, bin) =>
  (1 - phi ** 2) / (1 - 2 * phi * Math.cos((Math.PI * bin) / (bins - 1)) + phi ** 2));

/** Least mean square error of predicting `wanted` by a filter of 2·reach + 1 taps on `given`, from the normal equations. */
function leastSquares(given: Float64Array, wanted: Float64Array, reach: number): number {
  const taps = 2 * reach + 1;
  const rows = Array.from({ length: taps }, () => new Float64Array(taps + 1));
  for (let n = reach; n < samples - reach; n++) {
    for (let i = 0; i < taps; i++) {
      const row = rows[i];
      const a = given[n + i - reach];
      for (let j = i; j < taps; j++) row![j]! += a! * given[n + j - reach]!;
      row![taps]! += a! * wanted[n]!;
    }
  }
  for (let i = 0; i < taps; i++) for (let j = 0; j < i; j++) rows[i]![j] = rows[j]![i]!;
  for (let i = 0; i < taps; i++) { // Gauss and Jordan; the matrix is positive definite, so no pivoting
    for (let k = 0; k < taps; k++) {
      if (k === i) continue;
      const factor = rows[k]![i]! / rows[i]![i]!;
      for (let j = i; j <= taps; j++) rows[k]![j]! -= factor * rows[i]![j]!;
    }
  }
  const filter = rows.map((row, i) => row[taps]! / row[i]!);
  let error = 0;
  for (let n = reach; n < samples - reach; n++) {
    const predicted = filter.reduce((sum, tap, i) => sum + tap * given[n + i - reach]!, 0);
    error += (wanted[n]! - predicted) ** 2;
  }
  return error / (samples - 2 * reach);
}

for (const prediction of ['epsilon', 'v'] as const) test(`it is what the best linear filter reaches, for ${prediction}`, () => {
  const epsilon = normal(1);
  // At ᾱ = 0, x_t is the noise, which says nothing about v = −x_0: no filter does better than zero.
  for (const alphaBar of prediction === 'v' ? [0.9, 0.5, 0.05, 0] : [0.9, 0.5, 0.05]) {
    const [signal, noise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
    const noisy = data.map((x, n) => signal * x + noise * epsilon[n]!);
    const wanted = prediction === 'v' ? data.map((x, n) => signal * epsilon[n]! - noise * x) : epsilon;
    const reached = leastSquares(noisy, wanted, 15);
    const formula = wienerLoss({ alphaBar, prediction, designed: spectrum });
    // At small ᾱ the errors of about ten neighbours are alike: a mean of some 4000 independent squares has a relative
    // standard deviation of √(2/4000) = 2.2 %. The 31 taps lose a little to endless ones.
    assert.ok(Math.abs(reached - formula) <= 0.06 * formula, `ᾱ = ${alphaBar}: ${reached}, formula ${formula}`);
    const estimated = wienerLoss({ alphaBar, prediction, designed: powerSpectrum(Float32Array.from(data), { size: 1024 }) });
    assert.ok(Math.abs(estimated - formula) <= 0.06 * formula, `from the data's spectrum ${estimated}, formula ${formula}`);
    const power = data.reduce((sum, x) => sum + x * x, 0) / samples;
    const ofZero = wanted.reduce((sum, value) => sum + value * value, 0) / samples;
    const zero = zeroLoss({ alphaBar, prediction, power });
    // Its standard deviation is 1 % (the squares) and, of v, 1 % more (x_0·ε, which is 0 in the mean).
    assert.ok(Math.abs(ofZero - zero) <= 0.06 * zero, `of zero ${ofZero}, formula ${zero}`);
    assert.ok(formula <= zero * (1 + 1e-12), 'zero is a filter too');
  }
});

test('the error of v is that of ε divided by ᾱ, for a filter of another spectrum too', () => {
  const quiet = spectrum.map((value, bin) => (value * (bin % 3)) / 10);
  for (const alphaBar of [0.99, 0.5, 1e-3]) {
    const [v, epsilon] = (['v', 'epsilon'] as const).map((prediction) =>
      wienerLoss({ alphaBar, prediction, designed: spectrum, actual: quiet }));
    assert.ok(Math.abs(v! * alphaBar - epsilon!) <= 1e-12 * epsilon!, `${v} ${epsilon}`);
  }
});

const prediction = 'epsilon';

test('of white data it is ᾱ, and it grows with the signal', () => {
  const white = new Float64Array(9).fill(1);
  assert.ok(Math.abs(wienerLoss({ alphaBar: 0.3, prediction, designed: white }) - 0.3) <= 1e-12);
  assert.is(wienerLoss({ alphaBar: 0.3, prediction, designed: new Float64Array(9) }), 0); // of silence, noise is all there is
});

test('a filter made for another spectrum is worse than one of its own, but not on a quieter signal', () => {
  const alphaBar = 0.5;
  const flat = new Float64Array(bins).fill(1);
  const own = wienerLoss({ alphaBar, prediction, designed: spectrum });
  assert.ok(wienerLoss({ alphaBar, prediction, designed: flat, actual: spectrum }) > own);
  assert.is(wienerLoss({ alphaBar, prediction, designed: spectrum, actual: spectrum }), own);
  const quiet = spectrum.map((value) => value / 10);
  const onQuiet = wienerLoss({ alphaBar, prediction, designed: spectrum, actual: quiet });
  assert.ok(onQuiet < own);
  assert.ok(onQuiet > wienerLoss({ alphaBar, prediction, designed: quiet }));
});

test.run();
