import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lossWeights } from '../../../src/diffwave/training/lossWeights.ts';
import { assertClose } from '../../close.ts';

const test = suite('loss weights');

const alphaBar = Float64Array.of(0.99, 0.9, 0.75, 0.5, 0.1); // signal to noise 99, 9, 3, 1, 1/9

test('min-SNR: steps with less noise than γ says weigh γ/SNR', () => {
  const weights = (gamma: number) => lossWeights({ alphaBar }, { gamma, prediction: 'epsilon' });
  assertClose(weights(5), [5 / 99, 5 / 9, 1, 1, 1], { atol: 1e-12, what: 'γ = 5' });
  assertClose(weights(0.5), [0.5 / 99, 0.5 / 9, 0.5 / 3, 0.5, 1], { atol: 1e-12, what: 'γ = ½' });
});

test('of v: the same weight for the x_0 that it implies, 0 where there is no signal', () => {
  const v = lossWeights({ alphaBar }, { gamma: 5, prediction: 'v' });
  assertClose(v, [5 / 100, 5 / 10, 3 / 4, 1 / 2, 1 / 10], { atol: 1e-12, what: 'min(SNR, γ)/(SNR + 1)' });
  // x_0 − x̂_0 is √(1−ᾱ)/√ᾱ times the error of ε, and √(1−ᾱ) times that of v.
  const epsilon = lossWeights({ alphaBar }, { gamma: 5, prediction: 'epsilon' });
  assertClose(v.map((weight, t) => weight / (1 - alphaBar[t]!)), epsilon.map((weight, t) => (weight * alphaBar[t]!) / (1 - alphaBar[t]!)),
    { rtol: 1e-12, what: 'weight of the error of x_0' });
  assert.equal([...lossWeights({ alphaBar: Float64Array.of(0) }, { gamma: 5, prediction: 'v' })], [0]);
});

test('without γ all weigh the same', () => {
  for (const prediction of ['epsilon', 'v'] as const) {
    assert.equal([...lossWeights({ alphaBar }, { gamma: null, prediction })], [1, 1, 1, 1, 1]);
  }
});

test.run();
