import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convolutionFlops, forwardFlops, trainingFlops } from '../../src/roofline/flops.ts';
import { contractions } from '../../src/roofline/contractions.ts';
import { usualShape } from '../../src/roofline/bench.ts';
import { rooflineSeconds } from '../../src/roofline/measure.ts';
import { presetNamed } from '../../src/diffwave/presets.ts';

const test = suite('operation counts');

test('a convolution, counted by hand', () => {
  let count = 0;
  for (let tap = 0; tap < 3; tap++) for (let ci = 0; ci < 4; ci++) for (let co = 0; co < 8; co++) count += 2;
  assert.is(convolutionFlops({ K: 3, Cin: 4, Cout: 8 }), count);
});

test('the network of gtzan has 663,808 operations a row', () => {
  // ten layers of 2·3·64·128 + 2·64·128; skip projection 2·64·64; input and output projection 2·64 each
  assert.is(10 * (49152 + 16384) + 8192 + 128 + 128, 663808);
  assert.is(forwardFlops(presetNamed('gtzan').model), 663808);
  assert.is(trainingFlops(presetNamed('gtzan').model), 1991424);
  // 30 such layers, each with 2·80·128 for the spectrogram besides
  assert.is(forwardFlops(presetNamed('diffwave-vocoder').model), 30 * (49152 + 16384 + 20480) + 8192 + 128 + 128);
});

test('forward, input and weight gradient of a layer\'s convolutions add up to the layer\'s', () => {
  const flops = (name: string) => contractions.find((bench) => bench.name === name)!.flops(usualShape);
  assert.is(flops('conv1d') + flops('conv1d 1×1'), flops('residualLayer'));
  const gradients = ['conv1d d x', 'conv1d d weight', 'conv1d 1×1 d x', 'conv1d 1×1 d weight'].map(flops);
  assert.is(gradients.reduce((a, b) => a + b), flops('residualLayer d all'));
  assert.is(flops('conv1d'), 16384 * 49152);
});

test('the roofline is the slower of arithmetic and memory', () => {
  const perSecond = { flops: 100, bytes: 10 };
  assert.is(rooflineSeconds({ flops: 200, bytes: 10 }, perSecond), 2);
  assert.is(rooflineSeconds({ flops: 200, bytes: 30 }, perSecond), 3);
  assert.is(rooflineSeconds({ flops: 0, bytes: 5 }, perSecond), 0.5);
});

test.run();
