import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bootstrap } from '../../src/evaluation/bootstrap.ts';
import { normals } from '../../src/reference/random.ts';

const test = suite('evaluation/bootstrap');

const set = (item: number, length: number): number[] => [...normals({ seed: 4, stream: 0, step: 0, item, length })];
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / values.length, 0);

test('of a mean it holds the truth about as often as it says', () => {
  const trials = 300;
  let held = 0;
  for (let trial = 0; trial < trials; trial++) {
    const values = set(trial, 24);
    const { figure: [low, high] } = bootstrap(24, (members) => ({ figure: mean(members.map((i) => values[i]!)) }), { seed: trial, draws: 200 });
    if (low <= 0 && high >= 0) held += 1;
  }
  // For 24 values the bootstrap's own figure is about 93 %, with a standard deviation of 1.5 % in 300 trials.
  assert.ok(held / trials > 0.88 && held / trials < 0.98, String(held / trials));
});

test('around the figure, although drawn sets have fewer different members', () => {
  // |mean|² is too large by variance / n: drawn from a set, by as much again.
  const values = set(1000, 50);
  const square = (members: readonly number[]): number => mean(members.map((i) => values[i]!)) ** 2;
  const { square: [low, high], other } = bootstrap(50, (members) => ({ square: square(members), other: members.length }), { seed: 1, draws: 400 });
  const own = square(values.map((_, i) => i));
  assert.ok(low < own && own < high, `${low}, ${own}, ${high}`);
  assert.ok(other.every((value) => Math.abs(value - 50) < 1e-9));
});

test('draws that have no figure do not count', () => {
  const { spread: [low, high] } = bootstrap(3, (members) => {
    const pairs = members.flatMap((i) => members.filter((j) => j !== i).map((j) => Math.abs(i - j)));
    return { spread: mean(pairs) / Math.sign(pairs.length) }; // NaN where all are one
  }, { seed: 3, draws: 200 });
  assert.ok(low < high && low >= 0.5 && high <= 2.5, `${low}, ${high}`);
});

test('a function of the seed', () => {
  const values = set(7, 12);
  const of = (seed: number) => bootstrap(12, (members) => ({ figure: mean(members.map((i) => values[i]!)) }), { seed, draws: 50 });
  assert.equal(of(1), of(1));
  assert.not.equal(of(1), of(2));
});

test.run();
