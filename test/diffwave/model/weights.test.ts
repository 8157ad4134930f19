import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { parameterShapes } from '../../../src/diffwave/model/shapes.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { readSafetensors, writeSafetensors } from '../../../src/formats/safetensors.ts';
import { initialWeights, reverseAxes, weightsFromDisk, weightsToDisk } from '../../../src/diffwave/model/weights.ts';
import type { Weights } from '../../../src/diffwave/model/contract.ts';
import { upsample } from '../../../src/reference/upsample.ts';
import { UserError } from '../../../src/errors.ts';
import { largest } from '../../close.ts';
import { classic } from '../classic.ts';

const test = suite('weights');

const config: DiffWaveConfig = { ...classic.model, layers: 2, channels: 5, encodingWidth: 6, embeddingWidth: 7 };
const FILE = 'weights.safetensors';

/** Weights of which no two numbers are the same, so that one in a wrong place is noticed. */
function counted(): Weights {
  let next = 0;
  return new Map(parameterShapes(config).map(({ name, diskShape }) => {
    const length = diskShape.reduce((product, size) => product * size, 1);
    return [name, Float32Array.from({ length }, () => next++)];
  }));
}

test('axes are reversed: (Cout, Cin, K) on disk is (K, Cin, Cout) in memory', () => {
  const [Cout, Cin, K] = [2, 3, 5];
  const disk = Float32Array.from({ length: Cout * Cin * K }, (_, i) => i);
  const memory = reverseAxes(disk, [Cout, Cin, K]);
  for (let out = 0; out < Cout; out++) {
    for (let input = 0; input < Cin; input++) {
      for (let tap = 0; tap < K; tap++) {
        assert.is(memory[(tap * Cin + input) * Cout + out], disk[(out * Cin + input) * K + tap]);
      }
    }
  }
  assert.equal(reverseAxes(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]), Float32Array.of(1, 4, 2, 5, 3, 6));
  assert.equal(reverseAxes(Float32Array.of(1, 2, 3), [3]), Float32Array.of(1, 2, 3));
});

test('to disk and back, with PyTorch\'s names and shapes, with and without a prefix', () => {
  const weights = counted();
  for (const prefix of ['', 'm.']) {
    const bytes = writeSafetensors({ tensors: weightsToDisk(config, weights, prefix) });
    const stored = readSafetensors(bytes, FILE);
    const convolution = stored.tensors.get(`${prefix}residual_layers.1.dilated_conv.weight`)!;
    assert.equal(convolution.shape, [2 * config.channels, config.channels, config.kernelSize]);
    assert.is(stored.tensors.size, parameterShapes(config).length);
    assert.equal(weightsFromDisk(config, stored, { file: FILE, prefix }), weights);
  }
});

test('what does not fit is named with its file', () => {
  const tensors = weightsToDisk(config, counted());
  const refuses = (wanted: DiffWaveConfig, message: string, prefix?: string) =>
    assert.throws(() => weightsFromDisk(wanted, { metadata: {}, tensors }, { file: FILE, prefix }), (error: Error) => {
      assert.instance(error, UserError);
      assert.is(error.message, message);
      return true;
    });
  refuses(
    { ...config, channels: 6 },
    `${FILE}: 'input_projection.weight' has shape (5, 1, 1), but the configuration wants (6, 1, 1); ` +
      'use the preset it was trained with',
  );
  refuses(
    { ...config, layers: 3 },
    `${FILE}: the tensor 'residual_layers.2.dilated_conv.weight' is missing; is it a file of another model?`,
  );
  refuses(config, `${FILE}: the tensor 'v.input_projection.weight' is missing; is it a file of another model?`, 'v.');
  tensors.set('skip_projection.bias', { dtype: 'I32', shape: [5], data: new Int32Array(5) });
  refuses(
    config,
    `${FILE}: tensor "skip_projection.bias" holds I32, wanted floating-point numbers. ` +
      'Use a file that was saved as safetensors.',
  );
});

test('initial weights: uniform with the variance of He et al., zero at the end', () => {
  const model = { ...PRESETS.gtzan.model, layers: 1 };
  const weights = initialWeights(model, 3);
  for (const { name, diskShape, layout } of parameterShapes(model)) {
    const values = weights.get(name)!;
    if (name === 'output_projection.weight') {
      assert.ok(values.every((value) => value === 0), 'an untrained network predicts its bias');
      continue;
    }
    const weightShape = layout === 'vector' ? weightShapeOf(name) : diskShape;
    const fanIn = weightShape.slice(1).reduce((product, size) => product * size, 1);
    const bound = layout === 'conv' ? Math.sqrt(6 / fanIn) : 1 / Math.sqrt(fanIn);
    assert.ok(largest(values) <= bound, `${name} stays within ±${bound}`);
    // Of n uniform numbers the mean spreads by bound·√(1/3n), their mean square by bound²·√(4/45n); five times that.
    const n = values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const meanSquare = values.reduce((sum, value) => sum + value * value, 0) / n;
    assert.ok(Math.abs(mean) <= 5 * bound * Math.sqrt(1 / (3 * n)), `${name}: mean ${mean}`);
    const spread = 5 * bound ** 2 * Math.sqrt(4 / (45 * n));
    assert.ok(Math.abs(meanSquare - bound ** 2 / 3) <= spread, `${name}: variance ${meanSquare}`);
  }

  function weightShapeOf(bias: string): readonly number[] {
    return parameterShapes(model).find(({ name }) => name === bias.replace(/bias$/, 'weight'))!.diskShape;
  }
});

test('initial weights are a function of the seed, and no two parameters share them', () => {
  const one = initialWeights(config, 1);
  assert.equal(initialWeights(config, 1), one);
  const two = initialWeights(config, 2);
  const firsts = new Set<number>();
  const random = [...one].filter(([name]) => name !== 'output_projection.weight');
  for (const [name, values] of random) {
    assert.ok(values.some((value, i) => value !== two.get(name)![i]), `${name} depends on the seed`);
    firsts.add(values[0]!);
  }
  assert.is(firsts.size, random.length);
});

test('an untrained network for spectrograms sees them interpolated between frames and spread around their middle', () => {
  const mel = { ...config, conditioner: 'mel', melBands: 2, hopSamples: 15 } as const;
  const initial = initialWeights(mel, 5);
  const [B, F, M] = [1, 6, 2];
  // The level of both bands rises by 0.1 a frame, from 0.2 and from 0.3.
  let x: Float64Array = Float64Array.from({ length: F * M }, (_, i) => 0.2 + 0.1 * (Math.floor(i / M) + (i % M)));
  [3, 5].forEach((s, i) => {
    const of = (what: string) => Float64Array.from(initial.get(`spectrogram_upsampler.conv${i + 1}.${what}`)!);
    x = upsample({ B, F: x.length / M, M, s, x, weight: of('weight'), bias: of('bias') });
  });
  const levels = Array.from(x, (y) => 0.5 + (y > 0 ? y : y / 0.4) / 4);
  for (let t = 15; t < 70; t++) {
    assert.ok(Math.abs(levels[(t + 1) * M]! - levels[t * M]! - 0.1 / 15) < 1e-6, `row ${t}`);
    assert.ok(Math.abs(levels[t * M + 1]! - levels[t * M]! - 0.1) < 1e-6, `row ${t}`);
  }
  assert.ok(Math.abs(levels[40 * M]! - (0.2 + (0.1 * (40 - 15 / 2)) / 15)) < 0.02, 'half a hop late');
});

test.run();
