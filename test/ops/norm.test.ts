import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { norm } from '../../src/ops/norm.ts';
import { normCases } from '../../src/verify/cases/norm.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('norm', normCases);

test('what does not come in fours is refused', () => {
  const tape = new Tape();
  assert.throws(() => norm(tape, tape.input('odd', [6])), /norm: wanted a multiple of 4 elements, got odd/);
});

test.run();
