/** Networks that are small enough for a test, with weights that make every layer matter. */
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import type { Weights } from '../../src/diffwave/model/contract.ts';
import { initialWeights } from '../../src/diffwave/model/weights.ts';
import { normals } from '../../src/reference/random.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { classic } from './classic.ts';

export const tinyConfig: DiffWaveConfig = {
  ...classic.model,
  layers: 3,
  channels: 4,
  dilationCycle: 3,
  encodingWidth: 8,
  embeddingWidth: 12,
  diffusionSteps: 5,
  betaStart: 0.05,
  betaEnd: 0.3,
};

/**
 * Initial weights, but for the last two convolutions: the last begins at zero and would hide the others, and of so few
 * channels the relu before it could let none through.
 */
export function tinyWeights(config: DiffWaveConfig): Weights {
  const weights = initialWeights(config, 5);
  const last = weights.get('output_projection.weight')!;
  last.set(clip(last.length, 9));
  weights.get('skip_projection.bias')!.fill(1);
  return weights;
}

export async function tinyModel(config = tinyConfig): Promise<DiffWave> {
  const model = DiffWave.create(await gpuForTests(), config);
  model.parameters.write(model.parameters.values, tinyWeights(config));
  return model;
}

/** Normal numbers, the same in every run. */
export function clip(length: number, stream = 0): Float32Array<ArrayBuffer> {
  return Float32Array.from(normals({ seed: 3, stream, step: 0, item: 0, length }));
}
