import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fittedExponent, median, quantile, ratiosToNeighbours } from '../../bench/lib/statistics.ts';

const test = suite('statistics');

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

test('the exponent of a power is found, whatever the factor', () => {
  for (const exponent of [0, 1, 1.5, 2, -1]) {
    const points = [64, 100, 1000].map((size) => ({ size, cost: 3e-4 * size ** exponent }));
    assert.ok(Math.abs(fittedExponent(points) - exponent) <= 1e-12, String(exponent));
  }
});

test('the noise that probes see too cancels', () => {
  assert.equal(ratiosToNeighbours([2, 8], [4, 4, 12]), [0.5, 1]);
  assert.throws(() => ratiosToNeighbours([1, 2], [1, 2]), /2 values want one probe more, got 2/);
});

test.run();
