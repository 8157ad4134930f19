import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assertClose, largest } from './close.ts';

const test = suite('close');
const what = 'it';

test('accepts what is within atol + rtol·|want| and nothing beyond', () => {
  assertClose([1, -100], [1.5, -101], { atol: 0.5, rtol: 0.01, what });
  assert.throws(() => assertClose([1], [1.5], { atol: 0.25, what }), /it: 1 of 1 numbers are off/);
  assert.throws(() => assertClose([99], [101], { rtol: 0.01, what }));
  assert.throws(() => assertClose([1], [1 + 2 ** -52], { what }), /off/, 'the default tolerance is none');
});

test('names the worst index and both numbers', () => {
  assert.throws(() => assertClose([1, 5, 3], [1, 2, 4], { atol: 0.5, what }), /2 of 3 .* at 1: got 5, wanted 2/);
  assert.throws(() => assertClose([9, NaN], [0, 0], { what }), /at 1: got NaN/);
});

test('NaN and infinities fail on either side, whatever the tolerance', () => {
  const loose = { atol: Infinity, rtol: Infinity, what };
  for (const bad of [NaN, Infinity, -Infinity]) {
    assert.throws(() => assertClose([bad], [0], loose), /off/);
    assert.throws(() => assertClose([0], [bad], loose), /off/);
    assert.throws(() => assertClose([bad], [bad], loose), /off/);
  }
  assert.throws(() => assertClose([0], [0], { atol: NaN, what }), /off/, 'a NaN tolerance accepts nothing');
});

test('different lengths and empty arrays fail', () => {
  assert.throws(() => assertClose([1, 2], [1], { atol: 1, what }), /got 2 numbers, wanted 1/);
  assert.throws(() => assertClose([], [], { atol: 1, what }), /nothing to compare/);
});

test('largest is by absolute value and keeps NaN', () => {
  assert.is(largest([1, -3, 2]), 3);
  assert.ok(Number.isNaN(largest([1, NaN, 2])));
});

test.run();
