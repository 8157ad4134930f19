import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { linear } from '../../src/ops/linear.ts';
import { linearCases } from '../../src/verify/cases/linear.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('linear', linearCases);

test('what does not fit together is refused', () => {
  const tape = new Tape();
  const [x, weight, bias] = [tape.input('x', [2, 3]), tape.input('weight', [3, 4]), tape.input('bias', [4])];
  assert.throws(
    () => linear(tape, { x: tape.input('x', [2, 3, 1]), weight, bias }),
    /linear: wanted \(B, Cin\), got x/,
  );
  assert.throws(
    () => linear(tape, { x, weight: tape.input('weight', [4, 4]), bias }),
    /linear weight: wanted \(3, 4\)/,
  );
  assert.throws(() => linear(tape, { x, weight, bias: tape.input('bias', [3]) }), /linear bias: wanted \(4\)/);
});

test.run();
