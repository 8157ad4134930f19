import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { gate } from '../../src/ops/gate.ts';
import { gateCases } from '../../src/verify/cases/gate.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('gate', gateCases);

test('an odd number of channels is refused', () => {
  const tape = new Tape();
  assert.throws(
    () => gate(tape, tape.input('x', [2, 3, 5])),
    /gate: wanted an even number of channels, got x \(2, 3, 5\)/,
  );
  assert.throws(() => gate(tape, tape.input('x', [6, 4])), /gate: wanted \(B, L, C\), got x \(6, 4\)/);
});

test.run();
