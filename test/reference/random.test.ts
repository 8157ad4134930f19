import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { philox4x32 } from '../../src/random.ts';
import { normal, normals } from '../../src/reference/random.ts';
import { assertClose } from '../close.ts';

const test = suite('reference random');
const PLACE = { seed: 2 ** 40 + 5, stream: 1, step: 2, item: 3 };
const N = 40000;

test('a normal is Box and Muller of its block, words (0, 1) and (2, 3)', () => {
  const w = philox4x32({ counter: [2, 3, 2, 1], key: [5, 256] }); // index 8 … 11 is block 2
  const u = Array.from(w, (word) => Math.floor(word / 256) / 2 ** 24);
  const [r0, r1] = [u[0], u[2]].map((x) => Math.sqrt(-2 * Math.log(x! + 2 ** -24)));
  const [a0, a1] = [u[1], u[3]].map((x) => 2 * Math.PI * x!);
  const want = [r0! * Math.cos(a0!), r0! * Math.sin(a0!), r1! * Math.cos(a1!), r1! * Math.sin(a1!)];
  const got = [8, 9, 10, 11].map((index) => normal({ ...PLACE, index }));
  assertClose(got, want, { atol: 1e-15, what: 'block 2' });
});

test('normals is normal at every index, from any offset', () => {
  for (const offset of [0, 1, 2, 3, 4, 7]) {
    const want = Array.from({ length: 9 }, (_, i) => normal({ ...PLACE, index: offset + i }));
    assertClose(normals({ ...PLACE, length: 9, offset }), want, { what: `offset ${offset}` });
  }
});

// The k-th sample moment of N normals is normal itself around the true one; five of its standard deviations are
// allowed, and the seed is fixed.
test('moments of a standard normal distribution', () => {
  const x = normals({ ...PLACE, length: N });
  const moment = (k: number): number => x.reduce((sum, value) => sum + value ** k, 0) / N;
  const spread = (variance: number): { atol: number } => ({ atol: 5 * Math.sqrt(variance / N) });
  assertClose([moment(1)], [0], { ...spread(1), what: 'mean' });
  assertClose([moment(2)], [1], { ...spread(2), what: 'variance' }); // E x⁴ − 1
  assertClose([moment(3)], [0], { ...spread(15), what: 'skew' }); // E x⁶
  assertClose([moment(4)], [3], { ...spread(96), what: 'kurtosis' }); // E x⁸ − 9 = 105 − 9
});

test('neighbouring numbers, items, steps, streams and seeds are uncorrelated', () => {
  const x = normals({ ...PLACE, length: N });
  const others = {
    'next number': normals({ ...PLACE, length: N, offset: 1 }),
    'next pair': normals({ ...PLACE, length: N, offset: 2 }),
    'next block': normals({ ...PLACE, length: N, offset: 4 }),
    item: normals({ ...PLACE, item: 4, length: N }),
    step: normals({ ...PLACE, step: 3, length: N }),
    stream: normals({ ...PLACE, stream: 2, length: N }),
    seed: normals({ ...PLACE, seed: PLACE.seed + 1, length: N }),
    'upper seed': normals({ ...PLACE, seed: PLACE.seed + 2 ** 32, length: N }),
    'step and item exchanged': normals({ ...PLACE, step: 3, item: 2, length: N }),
  };
  for (const [what, y] of Object.entries(others)) {
    const correlation = x.reduce((sum, value, i) => sum + value * y[i]!, 0) / N;
    assertClose([correlation], [0], { atol: 5 / Math.sqrt(N), what });
  }
});

test('no normal is infinite, even from the smallest uniform', () => {
  const x = normals({ ...PLACE, length: N });
  assert.ok(x.every((value) => Math.abs(value) <= Math.sqrt(48 * Math.LN2)));
});

test.run();
