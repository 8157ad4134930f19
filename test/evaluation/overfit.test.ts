import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { verdictOf } from '../../src/evaluation/overfit.ts';
import type { Recognition } from '../../src/evaluation/recognise.ts';

const test = suite('verdict of the overfit test');

const of3 = (clip: number, best: number, bestWrong: number, isRecognised: boolean): Recognition =>
  ({ clip, best, bestWrong, isRecognised, lag: 0, likeness: [0, 1, 2].map((i) => (i === clip ? best : bestWrong)) });

test('passes where every sample is a clip and every clip is reached', () => {
  const good = [of3(2, 0.9, 0.1, true), of3(0, 0.8, 0.5, true), of3(1, 0.9, 0, true), of3(0, 1, 0.4, true)];
  const { meanLikeness, meanWrong, ...rest } = verdictOf(good);
  assert.equal(rest, { passed: true, recognised: 4, reached: [2, 1, 1] });
  assert.ok(Math.abs(meanLikeness - 0.9) < 1e-12 && Math.abs(meanWrong - 0.25) < 1e-12, `${meanLikeness}, ${meanWrong}`);
});

test('fails where one sample is none, and where a clip is missing', () => {
  const one = verdictOf([of3(2, 0.9, 0, true), of3(0, 0.9, 0, true), of3(1, 0.9, 0, true), of3(1, 0.3, 0.2, false)]);
  assert.equal([one.passed, one.recognised, one.reached], [false, 3, [1, 1, 1]]);
  const collapsed = verdictOf([of3(1, 0.9, 0, true), of3(1, 0.9, 0, true), of3(0, 0.9, 0, true)]);
  assert.equal([collapsed.passed, collapsed.recognised, collapsed.reached], [false, 3, [1, 2, 0]]);
  const onlyLike = verdictOf([of3(0, 0.9, 0, true), of3(1, 0.9, 0, true), of3(2, 0.6, 0, false)]);
  assert.equal([onlyLike.passed, onlyLike.reached], [false, [1, 1, 0]], 'to be most like a clip is not to reach it');
});

test.run();
