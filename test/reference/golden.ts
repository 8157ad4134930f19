/** The golden files (PyTorch, float64 stored as float32) in the layouts of the reference. */
import { readFileSync } from 'node:fs';
import { configFromMetadata } from '../../src/diffwave/model/config.ts';
import { parameterShapes } from '../../src/diffwave/model/shapes.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import type { ParameterShape } from '../../src/diffwave/model/shapes.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';

export const GOLDEN_FILES = ['transformer-4x16.safetensors', 'diffwave-6x8-l1.safetensors'] as const;

export interface Golden {
  readonly config: DiffWaveConfig;
  readonly adam: { learningRate: number; beta1: number; beta2: number; epsilon: number; steps: number };
  readonly B: number;
  readonly L: number;
  /** A tensor that is no parameter: audio, noise, step, noisy, predicted, loss or losses. */
  tensor(name: string): Float64Array;
  /** All parameters of a group: weights, grads, adam1 or adam10. */
  group(group: string): Map<string, Float64Array>;
}

export function readGolden(file: (typeof GOLDEN_FILES)[number]): Golden {
  const { metadata, tensors } = readSafetensors(readFileSync(new URL(`../golden/${file}`, import.meta.url)), file);
  const config = configFromMetadata(metadata.config, file);
  const training = JSON.parse(metadata.config!);
  const [beta1, beta2] = training.adamBetas;
  const tensor = (name: string): Float64Array => {
    const stored = tensors.get(name);
    if (!stored) throw new Error(`${file} has no tensor ${name}`);
    return Float64Array.from(stored.data as ArrayLike<number>);
  };
  const [B, L] = tensors.get('audio')!.shape as [number, number];
  return {
    config,
    adam: {
      learningRate: training.learningRate, beta1, beta2, epsilon: training.adamEpsilon, steps: training.adamSteps },
    B,
    L,
    tensor,
    group: (group) => new Map(parameterShapes(config).map((parameter) =>
      [parameter.name, fromPyTorch(parameter, tensor(`${group}.${parameter.name}`))])),
  };
}

/** (Cout, Cin, K) → (K, Cin, Cout); a linear weight is a convolution with one tap, a vector is as it is. */
function fromPyTorch({ diskShape, layout }: ParameterShape, data: Float64Array): Float64Array {
  if (layout === 'vector') return data;
  const [Cout, Cin, K = 1] = diskShape;
  return data.map((_, i) => {
    const [k, cin, cout] = [Math.floor(i / (Cin! * Cout!)), Math.floor(i / Cout!) % Cin!, i % Cout!];
    return data[(cout * Cin! + cin) * K + k]!;
  });
}
