import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import { adam, adamValues } from '../../src/ops/adam.ts';
import { adamCases } from '../../src/verify/cases/adam.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('adam', adamCases);

const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

test('buffers that do not belong together are refused', () => {
  const tape = new Tape();
  const [value, other] = [tape.input('value', [8]), tape.input('other', [4])];
  assert.throws(
    () => adam(tape, { ...options, value, gradient: value, m: other, v: value }),
    /adam: wanted \(8\), got other/,
  );
  const odd = tape.input('odd', [6]);
  assert.throws(
    () => adam(tape, { ...options, value: odd, gradient: odd, m: odd, v: odd }),
    /a multiple of 4 elements, got odd/,
  );
  const fits = { ...options, value, gradient: value, m: value, v: value };
  assert.throws(() => adam(tape, { ...fits, average: other }), /adam: wanted \(8\), got other/);
  assert.throws(() => adam(tape, { ...fits, clip: { norm: other, max: 1 } }), /adam: wanted \(1\), got other/);
});

test('the corrections are those of float64', () => {
  const { correction1, correction2 } = adamValues({ ...options, learningRate: 1, update: 1 });
  assert.ok(Math.abs(correction1! - 10) < 1e-12);
  assert.ok(Math.abs(correction2! - 1000) < 1e-9);
});

test('without weight decay nothing decays, and the average is the value', () => {
  const plain = adamValues({ ...options, learningRate: 0.5, update: 1 });
  assert.equal([plain.decay, plain.share], [0, 1]);
  const { decay, share } = adamValues({ ...options, learningRate: 0.5, update: 1, weightDecay: 0.25, averageDecay: 0.75 });
  assert.equal([decay, share], [0.125, 0.25]);
});

test.run();
