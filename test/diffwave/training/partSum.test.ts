/** Sums of gradients over ranks: every addition of float32 in the order of the parts, whoever computes them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Share, Sum } from '../../../src/diffwave/training/partSum.ts';
import { PartSum } from '../../../src/diffwave/training/partSum.ts';
import { alone, shareOf } from '../../../src/ranks.ts';
import { ranksTogether } from '../../ranks.ts';

const test = suite('sum of parts');

/** Of very different sizes, so that another order would give other bits. */
function shareFor(part: number, length: number): Share {
  const gradient = Float32Array.from({ length }, (_, i) => Math.sin(37 * part + i) * 10 ** ((part * 5 + i) % 7));
  return { gradient, loss: Math.fround(1 / (part + 3)) };
}

/** What every rank gets. */
function sums(size: number, { parts, length, stop = [] }: { parts: number; length: number; stop?: number[] }): Promise<Sum[]> {
  return Promise.all((size === 1 ? [alone] : ranksTogether(size)).map((ranks) =>
    new PartSum(ranks, { parts, length }).of(async (part) => shareFor(part, length), { stop: stop.includes(ranks.rank) })));
}

for (const [parts, length] of [[1, 1], [5, 7], [4, 64], [2, 3], [12, 130]] as const) {
  test(`${parts} parts of ${length} numbers are the sum one after the other, on any number of ranks`, async () => {
    const shares = Array.from({ length: parts }, (_, part) => shareFor(part, length));
    const gradient = shares.reduce((sum, share) => sum.map((value, i) => Math.fround(value + share.gradient[i]!)), new Float32Array(length));
    const loss = shares.reduce((sum, share) => Math.fround(sum + share.loss), 0);
    for (const size of [1, 2, 3, 4, 9]) {
      for (const sum of await sums(size, { parts, length })) {
        assert.equal(sum.gradient, gradient, `${size} ranks`);
        assert.is(sum.loss, loss);
        assert.is(sum.stop, false);
      }
    }
  });
}

test('another order would have been noticed', () => {
  const shares = [0, 1, 2, 3, 4].map((part) => shareFor(part, 7).gradient);
  const added = (order: readonly Float32Array[]) => order.reduce((sum, each) => sum.map((value, i) => Math.fround(value + each[i]!)));
  assert.not.equal(added(shares), added(shares.toReversed()));
});

test('the wish of one rank to stop becomes known to all, that of a rank without a part as well', async () => {
  for (const rank of [0, 1, 2]) {
    const stops = (await sums(3, { parts: 2, length: 4, stop: [rank] })).map(({ stop }) => stop);
    assert.equal(stops, [true, true, true], `rank ${rank}`);
  }
});

test('shares differ by one at most and are everything', () => {
  assert.equal([0, 1, 2].map((rank) => shareOf(5, { rank, size: 3 })), [[0, 3], [1, 4], [2]]);
  assert.equal(shareOf(1, { rank: 2, size: 3 }), []);
});

test.run();
