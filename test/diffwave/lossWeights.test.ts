import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lossWeights } from '../../src/diffwave/lossWeights.ts';
import { assertClose } from '../close.ts';

const test = suite('loss weights');

const alphaBar = Float64Array.of(0.99, 0.9, 0.75, 0.5, 0.1); // signal to noise 99, 9, 3, 1, 1/9

test('min-SNR: steps with less noise than γ says weigh γ/SNR', () => {
  assertClose(lossWeights({ alphaBar }, 5), [5 / 99, 5 / 9, 1, 1, 1], { atol: 1e-12, what: 'γ = 5' });
  assertClose(lossWeights({ alphaBar }, 0.5), [0.5 / 99, 0.5 / 9, 0.5 / 3, 0.5, 1], { atol: 1e-12, what: 'γ = ½' });
});

test('without γ all weigh the same', () => {
  assert.equal([...lossWeights({ alphaBar }, null)], [1, 1, 1, 1, 1]);
});

test.run();
