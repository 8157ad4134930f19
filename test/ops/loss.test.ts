import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { loss } from '../../src/ops/loss.ts';
import { lossCases } from '../../src/verify/cases/loss.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('loss', lossCases);

test('shapes that differ are refused', () => {
  const tape = new Tape();
  const [predicted, wanted] = [tape.input('predicted', [2, 3]), tape.input('wanted', [3, 2])];
  assert.throws(() => loss(tape, { predicted, wanted, kind: 'mse' }), /loss: wanted \(2, 3\), got wanted \(3, 2\)/);
});

test.run();
