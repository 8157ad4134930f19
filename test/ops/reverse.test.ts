import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { reverseStep } from '../../src/ops/reverse.ts';
import { reverseCases } from '../../src/verify/cases/reverse.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('reverse', reverseCases);

test('shapes that differ are refused', () => {
  const tape = new Tape();
  const [x, other] = [tape.input('x', [2, 9]), tape.input('other', [3, 9])];
  const tile = tape.input('tile', [2, 5]);
  assert.throws(() => reverseStep(tape, { x, output: other, noise: tile }), /reverseStep output: wanted \(2, 9\)/);
  assert.throws(() => reverseStep(tape, { x, output: tile, noise: x }), /reverseStep noise: wanted \(2, 5\)/);
  assert.throws(() => reverseStep(tape, { x, output: tile, noise: tile, previous: tile }), /reverseStep previous: wanted \(2, 9\)/);
});

test.run();
