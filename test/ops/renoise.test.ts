import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { impose, renoise } from '../../src/ops/renoise.ts';
import { renoiseCases } from '../../src/verify/cases/renoise.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('renoise', renoiseCases);

test('shapes that differ are refused', () => {
  const tape = new Tape();
  const [x, other] = [tape.input('x', [2, 3]), tape.input('other', [3, 3])];
  assert.throws(() => renoise(tape, { x, noise: other }), /renoise noise: wanted \(2, 3\)/);
  assert.throws(() => impose(tape, { x, noise: x, known: other }), /impose known: wanted \(2, 3\)/);
});

test.run();
