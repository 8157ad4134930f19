/** A training step on paper: every dispatch that a GPU would be given, recorded without one. */
import type { Operation } from '../../src/autograd/operation.ts';
import type { FlatBuffer, ParameterSource, ParameterSpec } from '../../src/autograd/parameters.ts';
import { elementsOf } from '../../src/autograd/tensor.ts';
import { diffWaveNetwork } from '../../src/diffwave/model/network.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { recordStep } from '../../src/diffwave/training/step.ts';
import { alignUp, bindingAlignment } from '../../src/gpu/device/buffers.ts';
import { matrixFeatures } from '../../src/gpu/device/matrix.ts';
import type { VariantSettings } from '../../src/gpu/device/variant.ts';
import { variantNamed } from '../../src/gpu/device/variant.ts';
import type { Sizes } from '../lib/work.ts';
import { configured } from '../lib/work.ts';

/** What Dawn gives on most discrete GPUs. */
const usualLimits = {
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  maxUniformBufferBindingSize: 65_536,
  maxComputeWorkgroupStorageSize: 49_152,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupsPerDimension: 65_535,
} as GPUSupportedLimits;

/** NVIDIA's: products of 16×16 matrices of f16 with float32 sums. */
const usualMatrices = [{ componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 }];

/** The `tile` kernels, or for the precision `matrix` those, with the sizes that a GPU gets before anything was tuned. */
export function variantOnPaper(precision: TrainingConfig['precision'] = 'float32'): VariantSettings {
  const names = ['shader-f16', 'subgroups', 'timestamp-query', ...matrixFeatures];
  const features = new Set(names) as unknown as GPUSupportedFeatures;
  const info = { subgroupMinSize: 32, subgroupMaxSize: 32, isFallbackAdapter: false, subgroupMatrixConfigs: usualMatrices };
  const name = precision === 'matrix' ? 'matrix' : 'tile';
  return variantNamed(name, { limits: usualLimits, features } as GPUDevice, info as unknown as GPUAdapterInfo)!;
}

/** The dispatches of a training step of a preset, the whole batch at once, in their order. */
export function stepOnPaper(sizes: Sizes, {
  training: changes = {}, variant = variantOnPaper(changes.precision),
}: { variant?: VariantSettings; training?: Partial<TrainingConfig> } = {}): readonly Operation[] {
  const { model, training: usual, L } = configured(sizes);
  const training = { ...usual, ...changes };
  const network = diffWaveNetwork(model);
  const { parameters, flat } = parametersOnPaper(network.specs);
  const buffer = {} as GPUBuffer;
  const flats = { m: flat, v: flat, ...(training.emaDecay > 0 && { average: flat }) };
  const { tape } = recordStep({
    network, prediction: model.prediction, loss: model.loss, parameters, variant, training, L, flats,
    rings: { losses: buffer, norms: buffer }, memory: { microBatches: 1, recompute: false },
  });
  return tape.operations;
}

/** Places for the parameters in a buffer that is not there, as `Parameters` would give them. */
function parametersOnPaper(specs: readonly ParameterSpec[]): { parameters: ParameterSource; flat: FlatBuffer } {
  const buffer = {} as GPUBuffer;
  const places = new Map<string, { shape: readonly number[]; offset: number }>();
  let size = 0;
  for (const { name, shape } of specs) {
    places.set(name, { shape, offset: size });
    size += alignUp(elementsOf(shape) * 4, bindingAlignment);
  }
  const flat = { buffer, size };
  const range = (name: string) => {
    const { shape, offset } = places.get(name)!;
    return { buffer, offset, size: elementsOf(shape) * 4 };
  };
  const parameters = {
    values: flat,
    gradients: flat,
    value: (name: string) => ({ shape: places.get(name)!.shape, range: range(name) }),
    gradient: range,
  };
  return { parameters, flat };
}
