import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { conv1d } from '../../src/ops/conv1d.ts';
import { conv1dCases } from '../../src/verify/cases/conv1d.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('conv1d', conv1dCases);

const shapes = { x: [2, 5, 3], weight: [3, 3, 4], bias: [4], dilation: 1 };

function record(wrong: Partial<typeof shapes>): () => void {
  const { x, weight, bias, dilation } = { ...shapes, ...wrong };
  const tape = new Tape();
  return () => {
    const operands = { x: tape.input('x', x), weight: tape.input('weight', weight), bias: tape.input('bias', bias) };
    conv1d(tape, { ...operands, dilation });
  };
}

test('what does not fit together is refused', () => {
  assert.not.throws(record({}));
  assert.throws(record({ weight: [2, 3, 4] }), /conv1d: .* an odd number of taps, got 2/);
  assert.throws(record({ weight: [3, 5, 4] }), /conv1d weight: wanted \(3, 3, 4\), got weight \(3, 5, 4\)/);
  assert.throws(record({ bias: [3] }), /conv1d bias: wanted \(4\), got bias \(3\)/);
  assert.throws(record({ dilation: 0 }), /conv1d: wanted a dilation of at least 1, got 0/);
  assert.throws(record({ dilation: 1.5 }), /conv1d: wanted a dilation of at least 1, got 1.5/);
  assert.throws(record({ x: [10, 3] }), /conv1d: wanted \(B, L, C\), got x \(10, 3\)/);
});

test.run();
