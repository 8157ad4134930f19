import * as assert from 'uvu/assert';
import { Tape } from '../../src/autograd/tape.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import { diffuse } from '../../src/ops/diffuse.ts';
import { diffuseCases } from '../../src/verify/diffuse.ts';
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

test.run();
