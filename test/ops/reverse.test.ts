import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { reverseStep } from '../../src/ops/reverse.ts';
import { reverseCases } from '../../src/verify/reverse.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('reverse', reverseCases);

test('shapes that differ are refused', () => {
  const tape = new Tape();
  const [x, other] = [tape.input('x', [2, 3]), tape.input('other', [6])];
  assert.throws(() => reverseStep(tape, { x, predicted: other, noise: x }), /reverseStep predicted: wanted \(2, 3\)/);
  assert.throws(() => reverseStep(tape, { x, predicted: x, noise: other }), /reverseStep noise: wanted \(2, 3\)/);
});

test.run();
