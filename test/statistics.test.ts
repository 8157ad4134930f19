import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { median, quantile } from '../src/statistics.ts';

const test = suite('quantiles');

function assertClose(got: number, want: number): void {
  assert.ok(Math.abs(got - want) <= 1e-12 * Math.abs(want), `got ${got}, wanted ${want}`);
}

test('quantiles do not depend on the order and lie between neighbours', () => {
  assert.is(median([3]), 3);
  assert.is(median([10, 1, 2]), 2); // as numbers, not as texts
  assert.is(median([4, 1, 2, 3]), 2.5);
  assertClose(quantile([0, 10, 20, 30, 40, 50], 0.2), 10);
  assertClose(quantile([0, 1], 0.8), 0.8);
  assert.throws(() => median([]), /a quantile of nothing/);
});

test('quantiles lie on straight lines between the values', () => {
  assert.equal([0, 0.25, 0.5, 0.9, 1].map((share) => quantile([0, 10, 20, 40, 80], share)), [0, 10, 20, 64, 80]);
  assert.is(quantile([3], 0.5), 3);
});

test.run();
