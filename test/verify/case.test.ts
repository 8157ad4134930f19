/** The tolerance rule, and that no operation goes without tests. */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allCases } from '../../src/verify/cases/all.ts';
import { roundingError, sums, unitRoundoff } from '../../src/verify/case.ts';
import { largestError } from '../../src/verify/run.ts';

const test = suite('verification cases');

test('few roundings may all go the same way, of many only the root', () => {
  assert.is(roundingError(0), 0);
  assert.is(roundingError(1), unitRoundoff);
  assert.is(roundingError(36), 36 * unitRoundoff);
  assert.is(roundingError(3600), 360 * unitRoundoff);
});

test('a float32 sum keeps within the rule, and without one of its terms it does not', () => {
  const terms = Float64Array.from({ length: 4000 }, (_, i) => Math.fround(Math.sin(i + 1)));
  const sumOf = (values: Float64Array): number => values.reduce((sum, value) => Math.fround(sum + value), 0);
  const exactly = (values: Float64Array): number => values.reduce((sum, value) => sum + value);
  const { y } = sums({ terms }, (given) => ({ y: Float64Array.of(exactly(given.terms!)) }), { y: terms.length });
  assert.ok(largestError([sumOf(terms)], y) <= y.tolerance);
  assert.not.ok(largestError([sumOf(terms.subarray(1))], y) <= y.tolerance);
});

test('the scale of a sum is that of its terms, however they cancel', () => {
  const given = { x: Float64Array.of(3, -3), weight: Float64Array.of(1, 1) };
  const { y } = sums(given, ({ x, weight }) => ({ y: Float64Array.of(x![0]! * weight![0]! + x![1]! * weight![1]!) }), { y: 2 });
  assert.equal([y.value[0], y.scale[0], y.tolerance], [0, 6, 2 * unitRoundoff]);
});

test('an error without a scale, NaN and infinities are infinite', () => {
  const one = (got: number, value: number, scale: number): number =>
    largestError([got], { value: Float64Array.of(value), scale: Float64Array.of(scale) });
  assert.is(one(3, 3, 0), 0);
  assert.is(one(3, 2, 2), 0.5);
  for (const error of [one(3, 2, 0), one(NaN, 2, 1), one(2, NaN, 1), one(Infinity, 2, 1), one(2, 1, NaN)]) {
    assert.is(error, Infinity);
  }
  assert.throws(
    () => largestError([], { value: Float64Array.of(1), scale: Float64Array.of(1) }),
    /got 0 numbers, wanted 1/,
  );
});

test('a NaN is not forgotten when good elements follow', () => {
  const ones = Float64Array.of(1, 1, 1);
  assert.is(largestError([NaN, 1, 1], { value: ones, scale: ones }), Infinity);
});

test('every operation has tests, and every case a name of its own', () => {
  const [operations, tests] = ['../../src/ops/', '../ops/'].map((folder) => new URL(folder, import.meta.url)) as [URL, URL];
  const stems = readdirSync(operations)
    .map((file) => file.replace('.ts', ''))
    .filter((stem) => readFileSync(new URL(`${stem}.ts`, operations), 'utf8').includes(`export function ${stem}(`));
  assert.ok(stems.includes('conv1d') && !stems.includes('lanes'));
  const tested = readdirSync(tests);
  assert.equal(stems.filter((stem) => !tested.includes(`${stem}.test.ts`)), []);
  const names = allCases.map(({ stem, name }) => `${stem} ${name}`);
  assert.is(new Set(names).size, names.length);
});

test.run();
