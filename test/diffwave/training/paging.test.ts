/** Memory that was paged out shows by time alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tape } from '../../../src/autograd/tape.ts';
import { planTape } from '../../../src/autograd/plan.ts';
import { PagingWatch, longestPlausible, workOf } from '../../../src/diffwave/training/paging.ts';
import { conv1d } from '../../../src/ops/conv1d.ts';
import { scale } from '../../../src/ops/scale.ts';

const test = suite('paging');

/** A step of `gtzan`: 4 clips of 36,750 samples. */
const step = { work: 290e9, bytes: 8e9 };

/** A watch over updates that take so many seconds each; those at which something was said, and what. */
function watched(seconds: readonly number[], options: Partial<ConstructorParameters<typeof PagingWatch>[0]> = {}): [number, number][] {
  const watch = new PagingWatch({ step, vendor: 'nvidia', isSoftware: false, allocated: 1.6 * 2 ** 30, ...options });
  let now = 100;
  return seconds.flatMap((each, i): [number, number][] => {
    const said = watch.update((now += each));
    return said === undefined ? [] : [[i, said]];
  });
}

test('what a step does is read off its plan', () => {
  const tape = new Tape();
  const [x, weight, bias] = [tape.input('x', [2, 10, 3]), tape.input('weight', [3, 3, 5]), tape.input('bias', [5])];
  tape.keep(scale(tape, conv1d(tape, { x, weight, bias, dilation: 1 }), 2));
  const { work, bytes } = workOf(planTape(tape));
  assert.is(work, 16 * 2 * 10 * 3 * 3 * 5, 'eightfold, as the naive kernel loads as often as it multiplies');
  assert.is(bytes, 4 * (60 + 45 + 5 + 100 + 100 + 100));
});

test('slow GPUs are plausible, and a hundredth of that is not', () => {
  assert.ok(longestPlausible(step, 'nvidia') > 10 * 0.012, 'an H100 by an estimate');
  assert.ok(longestPlausible(step, 'nvidia') < 2);
  assert.ok(longestPlausible(step, 'intel') > 290 / 50, 'an integrated GPU of 50 GFLOP/s');
  assert.ok(longestPlausible(step, 'intel') < 20);
});

test('said once, as soon as the queue is full and the time is known', () => {
  const slow = Array.from({ length: 100 }, (_, i) => (i < 8 ? 0.001 : 4)); // the first are queued at once
  const [[at, seconds], ...more] = watched(slow) as [[number, number]];
  assert.is(at, 19);
  assert.ok(Math.abs(seconds - 4) < 1e-9);
  assert.equal(more, []);
});

test('said when it becomes so in the middle of a run', () => {
  assert.equal(watched([...new Array(200).fill(0.1), ...new Array(20).fill(5)]).map(([at]) => at), [203]);
});

test('nothing is said of what is fast, of validations and checkpoints, of programs on the processor, and of little memory', () => {
  assert.equal(watched(new Array(100).fill(0.3)), []);
  assert.equal(watched(Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? 60 : 0.3))), []);
  assert.equal(watched(new Array(100).fill(9), { isSoftware: true }), []);
  assert.equal(watched(new Array(100).fill(9), { allocated: 2 ** 29 }), []);
  assert.equal(watched(new Array(100).fill(9), { vendor: 'intel' }), [], 'which may be that slow');
  assert.is(watched(new Array(100).fill(60), { vendor: 'intel' }).length, 1);
});

test.run();
