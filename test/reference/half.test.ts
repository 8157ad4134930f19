import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { roundToHalf } from '../../src/reference/half.ts';

const test = suite('half');

/** All finite numbers of f16 from 0 on, by their bits: for exponent bits e and fraction f, (1 + f/1024)·2^(e − 15), or f·2^-24. */
const halves = Array.from({ length: 0x7c00 }, (_, bits) => {
  const [e, f] = [bits >> 10, bits & 1023];
  return e === 0 ? f * 2 ** -24 : (1 + f / 1024) * 2 ** (e - 15);
});

test('every number of f16 stays, and what lies between two goes to the nearer one', () => {
  for (let i = 0; i + 1 < halves.length; i++) {
    const [a, b] = [halves[i]!, halves[i + 1]!];
    const middle = (a + b) / 2;
    const even = i % 2 === 0 ? a : b;
    for (const sign of [1, -1]) {
      const got = [a, a + (b - a) / 4, middle, b - (b - a) / 4].map((value) => roundToHalf(sign * value));
      assert.ok(got[0] === sign * a && got[1] === sign * a && got[2] === sign * even && got[3] === sign * b, `between ${a} and ${b}: ${got}`);
    }
  }
});

test('what is too large becomes the largest, NaN stays', () => {
  assert.equal([65505, 1e30, Infinity, -Infinity].map(roundToHalf), [65504, 65504, 65504, -65504]);
  assert.ok(Number.isNaN(roundToHalf(NaN)));
});

test.run();
