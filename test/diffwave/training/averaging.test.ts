import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { averageDecayAt } from '../../../src/diffwave/training/averaging.ts';

const test = suite('averaging');

test('the average is the weights at first, remembers ever longer, and has a limit', () => {
  const decay = (step: number): number => averageDecayAt(step, 0.9999);
  assert.is(decay(0), 0);
  assert.is(decay(15), 1 - 1 / 8); // 16^¾ = 8
  assert.ok(Math.abs(decay(9999) - 0.999) < 1e-12); // 10,000^¾ = 1000
  assert.ok(decay(215_440) < 0.9999);
  assert.is(decay(215_443), 0.9999); // as the docstring says
  assert.is(averageDecayAt(1e9, 0.9), 0.9);
});

test.run();
