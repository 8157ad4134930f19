/**
 * The kernels as they are, compiled: on Dawn's backend that computes nothing, which has subgroup matrices where an adapter may
 * have none. Types, uniformity of control flow, and that matrices lie inside of what they are loaded from.
 */
import { create } from 'webgpu';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Parameters } from '../../../src/autograd/parameters.ts';
import { diffWaveNetwork } from '../../../src/diffwave/model/network.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { recordStep } from '../../../src/diffwave/training/step.ts';
import { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { MatrixSettings } from '../../../src/gpu/device/matrix.ts';
import type { KernelSpec } from '../../../src/gpu/wgsl/kernels.ts';
import { kernelName } from '../../../src/gpu/wgsl/kernels.ts';
import { assemble } from '../../../src/gpu/wgsl/wgsl.ts';
import { allCases } from '../../../src/verify/cases/all.ts';
import { formOf } from '../../../src/verify/coverage.ts';
import { placesOnly, recordCase } from '../../../src/verify/prepared.ts';
import { withSecondReaders } from '../../../src/verify/run.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { matrixVariant, settingsFor, shaderText, shapes } from './emulated.ts';

const test = suite('matrix kernels, compiled');

/** Keeps the provider alive, without which dawn.node crashes. */
let nothing: GPU | undefined;

async function nullGpu(shaders: Readonly<Record<string, string>> = {}): Promise<Gpu> {
  await gpuForTests(); // WebGPU's constants
  nothing ??= create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  return Gpu.open({ matrices: true, platform: { gpu: nothing, shader: async (stem) => shaders[stem] ?? shaderText(stem), release() {} } });
}

/** Every kernel that cases or a preset's training step run with these settings, once; or of every form one, whatever its sizes. */
function kernelsWith(settings: MatrixSettings, oncePer: 'kernel' | 'form' = 'kernel', memory?: number): KernelSpec[] {
  const variant = matrixVariant(settings, { memory });
  const kernels = new Map<string, KernelSpec>();
  const add = (specs: readonly { kernel: KernelSpec }[]): void => {
    for (const { kernel } of specs) {
      if (kernel.shader.endsWith('.matrix')) kernels.set(oncePer === 'form' ? formOf({ kernel }) : kernelName(kernel), kernel);
    }
  };
  for (const kernelCase of allCases.filter(({ hasVariants }) => hasVariants)) {
    const shared = Object.entries(kernelCase.inputs).filter(([, input]) => input.gradient && !input.soleReader);
    for (const each of [kernelCase, withSecondReaders(kernelCase, shared.map(([name]) => name))]) add(recordCase(each, variant).tape.operations);
  }
  for (const { model, training } of Object.values(PRESETS)) {
    const network = diffWaveNetwork(model);
    const parameters = placesOnly(network.specs) as Parameters;
    const flat = parameters.values;
    const rings = { losses: flat.buffer, norms: flat.buffer };
    for (const precision of ['float32', 'mixed'] as const) {
      add(recordStep({
        network, prediction: model.prediction, loss: model.loss, parameters, variant, flats: { m: flat, v: flat, average: flat }, rings,
        L: training.cropSamples ?? 36_750, training: { ...training, precision }, memory: { microBatches: 1, recompute: false },
      }).tape.operations);
    }
  }
  return [...kernels.values()];
}

/** What the compiler says against the text, without the pipeline. */
async function complaints({ device }: Gpu, { shader, constants = {} }: KernelSpec): Promise<string[]> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code: assemble(shaderText(shader), constants, shader).code });
  const { messages } = await module.getCompilationInfo();
  await device.popErrorScope();
  return messages.map(({ type, message }) => `${type}: ${message}`);
}

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name}: every kernel in 16 KiB of workgroup memory`, async () => {
    const gpu = await nullGpu();
    const kernels = kernelsWith(settingsFor(shape, { subgroup: 32, memory: 16384 }), 'kernel', 16384);
    const files = new Set(kernels.map(({ shader }) => shader));
    assert.ok(kernels.length > 60 && files.size === (shape === shapes.f16 ? 3 : 2), `${kernels.length} kernels of ${[...files].join(', ')}`);
    for (const kernel of kernels) await gpu.kernels.get(kernel);
    gpu.check();
    gpu.close();
  });

  test(`${name}: in 32 KiB, and with subgroups of 64, of which the size is asked for`, async () => {
    const gpu = await nullGpu();
    for (const subgroup of [32, 64]) {
      const settings = { ...settingsFor(shape, { subgroup }), pinned: subgroup === 64 };
      assert.is(settings.subgroupRows, subgroup === 32 ? 4 : 2);
      const kernels = kernelsWith(settings, 'form', 49152);
      assert.ok(kernels.some(({ shader }) => shader === 'residualLayer.matrix'));
      for (const kernel of kernels) assert.equal(await complaints(gpu, kernel), [], kernelName(kernel));
    }
    gpu.close();
  });
}

test('in matrices of other shapes', async () => {
  const gpu = await nullGpu();
  for (const shape of [{ ...shapes.f16, M: 8, N: 8 }, { ...shapes.f16, N: 8 }, { ...shapes.f16, N: 8, K: 8 }, { ...shapes.f32, M: 16, N: 16 }]) {
    const settings = { ...settingsFor(shape, { subgroup: 32, memory: 16384 }), pinned: true };
    for (const kernel of kernelsWith(settings, 'form', 16384)) await gpu.kernels.get(kernel);
  }
  gpu.check();
  gpu.close();
});

test('what the compiler would refuse is refused here', async () => {
  const text = shaderText('conv1d.matrix');
  const wrong = {
    'control flow that is not uniform': text.replace('if (step > 0u) {', 'if (step > local) {'),
    'a matrix outside of its array': text.replace('ROWS * INPUT_PITCH>', '8u>'),
    'a matrix of another kind': text.replace('right, sum{i}_{j});', 'left{i}, sum{i}_{j});'),
  };
  const kernel = kernelsWith(settingsFor(shapes.f16, { subgroup: 32, memory: 16384 })).find(({ shader }) => shader === 'conv1d.matrix');
  for (const [what, changed] of Object.entries(wrong)) {
    assert.is.not(changed, text, what);
    const gpu = await nullGpu({ 'conv1d.matrix': changed });
    const error = await gpu.kernels.get(kernel!).then(() => undefined, (reason: Error) => reason);
    assert.instance(error, Error, what);
    gpu.close();
  }
});

test.run();
