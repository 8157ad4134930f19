import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stratifiedTimestep } from '../../../src/diffwave/training/timesteps.ts';

const test = suite('timesteps');

/** t of all items of the steps from `first` on. */
function draw({ first = 0, steps, B, T, seed = 0 }: { first?: number; steps: number; B: number; T: number; seed?: number }): number[] {
  return Array.from({ length: steps * B }, (_, n) =>
    stratifiedTimestep({ seed, step: first + Math.floor(n / B), item: n % B, B, T }));
}

const countsOf = (values: readonly number[], T: number): number[] => {
  const counts = new Array<number>(T).fill(0);
  for (const t of values) counts[t]!++;
  return counts;
};

test('any 2^k items in a row from a multiple of 2^k on have every one of 2^k steps once', () => {
  for (const [B, T, steps] of [[4, 4, 1], [1, 8, 8], [4, 64, 16], [16, 64, 4]]) {
    for (const block of [0, 1, 2, 77]) {
      const counts = countsOf(draw({ first: block * steps!, steps: steps!, B: B!, T: T!, seed: block }), T!);
      assert.equal(counts, new Array(T).fill(1), `B ${B}, T ${T}, block ${block}`);
    }
  }
});

test('windows of any size and sizes of any kind are nearly even', () => {
  const T = 50;
  const counts = countsOf(draw({ first: 13, steps: 167, B: 3, T }), T); // 501 items, 10 for each
  for (const [t, count] of counts.entries()) assert.ok(Math.abs(count - 10) <= 4, `t = ${t} came ${count} times`);
});

test('over seeds every t is as likely as every other, whatever the item', () => {
  const [seeds, T] = [800, 8];
  const first = Array.from({ length: seeds }, (_, seed) => stratifiedTimestep({ seed, step: 5, item: 1, B: 2, T }));
  // 100 each with a standard deviation of √(800 · 1/8 · 7/8) = 9.4; five of them are 47.
  for (const [t, count] of countsOf(first, T).entries()) assert.ok(Math.abs(count - 100) <= 47, `t = ${t} came ${count} times`);
});

test('very late steps still have a t', () => {
  const late = draw({ first: 2 ** 31, steps: 8, B: 4, T: 200 });
  assert.ok(late.every((t) => Number.isInteger(t) && t >= 0 && t < 200));
  assert.ok(new Set(late).size > 20);
});

test.run();
