import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { addStep } from '../../src/ops/addStep.ts';
import { addStepCases } from '../../src/verify/cases/addStep.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('addStep', addStepCases);

test('a step of another batch or width is refused', () => {
  const tape = new Tape();
  const x = tape.input('x', [2, 3, 4]);
  for (const shape of [[1, 4], [2, 3]]) {
    assert.throws(() => addStep(tape, x, tape.input('step', shape)), /addStep: wanted \(2, 4\), got step/);
  }
});

test.run();
