import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fittedExponent, ratiosToNeighbours } from '../../bench/lib/statistics.ts';

const test = suite('statistics');

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
