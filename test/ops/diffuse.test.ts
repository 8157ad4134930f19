import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import { diffuse, diffuseWithTarget } from '../../src/ops/diffuse.ts';
import { diffuse as diffuseTruth, velocity } from '../../src/reference/diffuse.ts';
import { diffuseCases } from '../../src/verify/cases/diffuse.ts';
import { assertClose } from '../close.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('diffuse', diffuseCases);

test('one level per item is wanted', () => {
  const tape = new Tape();
  const clips = tape.input('clips', [2, 3]);
  const [two, three] = [tape.input('two', [2]), tape.input('three', [3])];
  const record = (signalLevel: Tensor, noiseLevel: Tensor, noise = clips) => () =>
    diffuse(tape, { audio: clips, noise, signalLevel, noiseLevel });
  assert.throws(record(three, two), /diffuse signalLevel: wanted \(2\), got three/);
  assert.throws(record(two, three), /diffuse noiseLevel: wanted \(2\), got three/);
  assert.throws(record(two, two, two), /diffuse noise: wanted \(2, 3\), got two/);
});

test('ε is what is wanted of a network that predicts ε: nothing is computed for it', () => {
  const tape = new Tape();
  const inputs = {
    audio: tape.input('audio', [2, 3]), noise: tape.input('noise', [2, 3]),
    signalLevel: tape.input('signal', [2]), noiseLevel: tape.input('level', [2]),
  };
  assert.is(diffuseWithTarget(tape, { ...inputs, prediction: 'epsilon' }).wanted, inputs.noise);
  assert.is.not(diffuseWithTarget(tape, { ...inputs, prediction: 'v' }).wanted, inputs.noise);
});

test('x_t and v together give back x_0 and ε, as sampling wants it', () => {
  const [audio, noise] = [Float64Array.of(0.3, -0.7, 0.1, 0.9), Float64Array.of(1.2, -0.4, 0.5, -2)];
  const [signalLevel, noiseLevel] = [[0.8, 0], [0.6, 1]];
  const given = { audio, noise, signalLevel, noiseLevel, B: 2, L: 2 };
  const [x, v] = [diffuseTruth(given), velocity(given)];
  assertClose(x.map((value, i) => signalLevel[i >> 1]! * value - noiseLevel[i >> 1]! * v[i]!), audio, { atol: 1e-15, what: 'x_0' });
  assertClose(x.map((value, i) => noiseLevel[i >> 1]! * value + signalLevel[i >> 1]! * v[i]!), noise, { atol: 1e-15, what: 'ε' });
});

test.run();
