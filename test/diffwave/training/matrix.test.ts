/** The precision `matrix`: where it is used, and what takes its place elsewhere. `matrix.long.ts` trains with it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Parameters } from '../../../src/autograd/parameters.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { diffWaveNetwork } from '../../../src/diffwave/model/network.ts';
import { usableMatrices, usablePrecision } from '../../../src/diffwave/training/precision.ts';
import { recordStep, storedIn } from '../../../src/diffwave/training/step.ts';
import { naiveSettings, variantNamed } from '../../../src/gpu/device/variant.ts';
import { gradientScaleFor } from '../../../src/ops/matrix.ts';
import { nodePlatform } from '../../../src/platform/platform.node.ts';
import { placesOnly } from '../../../src/verify/prepared.ts';
import { ownGpu } from '../../gpuForTests.ts';
import { matrixVariant, settingsFor, shapes } from '../../ops/matrix/emulated.ts';
import { classic } from '../classic.ts';

const test = suite('precision matrix');

const settings = settingsFor(shapes.f16);
const config = { ...classic.model, layers: 1, channels: 8, dilationCycle: 1, encodingWidth: 16, embeddingWidth: 16 };

test('gradients of a mean over n numbers are made about 16 by a power of two', () => {
  for (const n of [1, 100, 200, 4 * 36_750, 2 ** 31]) {
    const scale = gradientScaleFor(n);
    assert.ok(Number.isInteger(Math.log2(scale)) && scale / n > 11 && scale / n < 23, `${scale} for ${n}`);
  }
});

test('a step scales gradients by the size of the whole batch, and nothing else', () => {
  const network = diffWaveNetwork(config);
  const parameters = placesOnly(network.specs) as Parameters;
  const flat = parameters.values;
  for (const [component, scaled] of [['f16', gradientScaleFor(4 * 61)], ['f32', 1]] as const) {
    const variant = matrixVariant(settingsFor(shapes[component]));
    assert.is(storedIn('matrix', variant), component === 'f16' ? 'mixed' : 'float32');
    for (const microBatches of [1, 2]) {
      const { tape } = recordStep({
        network, prediction: config.prediction, loss: 'mse', parameters, variant, flats: { m: flat, v: flat }, rings: { losses: flat.buffer, norms: flat.buffer },
        L: 61, training: { ...classic.training, batchSize: 4, precision: 'matrix' }, memory: { microBatches, recompute: false },
      });
      let stored = 0;
      const scales = tape.operations.filter(({ kernel }) => kernel.shader.endsWith('.matrix')).map(({ kernel: { shader }, params, reads }) => {
        const isWeights = shader === 'weightGradient.matrix';
        const isGradient = isWeights || params!.direction === -1;
        const isStored = isGradient && (isWeights ? reads.dOutput : reads.x)?.dtype === 'f16'; // by the one who wrote it, scaled
        stored += Number(isStored);
        assert.is(params!.scale, isStored ? 1 : 1 / params!.unscale!);
        if (isWeights) assert.is(params!.biasUnscale, isStored ? params!.unscale : 1);
        return [isGradient, 1 / params!.unscale!] as const;
      });
      assert.is(stored, component === 'f16' ? 2 * microBatches : 0); // the gradient of the gate, by both who read it
      assert.equal([...new Set(scales.map(String))].sort(), [`false,1`, `true,${scaled}`].sort());
    }
  }
});

test('without matrices mixed takes their place, without f16 kernels float32, each by name', async () => {
  using gpu = await ownGpu();
  using model = DiffWave.create(gpu, config);
  const { precision, variant, note } = await usablePrecision(model, 'matrix');
  assert.equal([precision, variant], ['mixed', gpu.variant]);
  assert.match(note!, /^mixed instead of matrix: this adapter \(.*\) cannot do it: it was opened without `matrices`$/);
  gpu.variant = naiveSettings;
  assert.match((await usablePrecision(model, 'matrix')).note!, /^float32 instead of matrix: /);
  assert.match(String(await usableMatrices(model)), /cannot do it: it was opened without/);
});

test('kernels that a driver refuses, or that compute something else, are not used', async () => {
  const refused = await ownGpu({ 'conv1d.matrix': 'nothing that compiles' });
  refused.matrix = matrixVariant(settings);
  using model = DiffWave.create(refused, config);
  assert.match((await usablePrecision(model, 'matrix')).note!, /^mixed instead of matrix: their kernels do not run: WGSL does not compile/);
  refused.close();
});

test('kernels that compute what float32 does are used, and others are not', async () => {
  const text = await (await nodePlatform()).shader('weightGradient.tile');
  const changes = [[text, 'matrix'], [text.replace(/(partial\[.*\] =) /g, '$1 1.1 * '), 'mixed']] as const;
  assert.is.not(changes[1][0], text);
  for (const [changed, outcome] of changes) {
    using gpu = await ownGpu({ 'weightGradient.tile': changed });
    gpu.variant = variantNamed('broadcast', gpu.device, gpu.info)!;
    gpu.matrix = variantNamed('tile', gpu.device, gpu.info)!; // in their place
    using model = DiffWave.create(gpu, config);
    const { precision, variant, note } = await usablePrecision(model, 'matrix');
    assert.is(precision, outcome);
    assert.is(variant, outcome === 'matrix' ? gpu.matrix : gpu.variant);
    if (outcome === 'mixed') assert.match(note!, /^mixed instead of matrix: they are off by .* in '.*'$/);
  }
});

test.run();
