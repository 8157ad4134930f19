/** The same data for every bench of a whole step: what it is does not matter, that it is not zero does. */
import { clipLength } from '../../src/dataset/options.ts';
import type { Batch } from '../../src/diffwave/training/batches.ts';
import { elementsOf } from '../../src/autograd/tensor.ts';
import { conditioningOf } from '../../src/diffwave/model/conditioning.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { presetNamed } from '../../src/diffwave/presets.ts';
import type { Denoiser } from '../../src/diffwave/sampling/denoiser.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';

export interface Sizes {
  readonly preset: string;
  readonly B: number;
  readonly L: number;
}

/** A preset's configuration at these sizes. */
export function configured({ preset, B, L }: Sizes): { model: DiffWaveConfig; training: TrainingConfig; L: number } {
  const { model, training } = presetNamed(preset);
  const steady = { learningRateSchedule: 'constant', warmupSteps: 0, decaySteps: null } as const; // whatever number of updates is measured
  return { model: { ...model, scale: 1, emphasis: 0 }, training: { ...training, ...steady, batchSize: B, cropSamples: L }, L };
}

/** The preset's own sizes where none are given; where it takes whole clips, those that its data would have. */
export function sizesOf(preset: string, given: { B?: number; L?: number }): Sizes {
  const { training, data } = presetNamed(preset);
  return { preset, B: given.B ?? training.batchSize, L: given.L ?? training.cropSamples ?? clipLength(data) };
}

/**
 * A prediction and the wait for it. On a software adapter the denoiser has waited for every window, and would be
 * waited for again in sleep; see `Gpu.idle`.
 */
export async function predictAndWait(gpu: Gpu, denoiser: Denoiser, t: readonly number[]): Promise<void> {
  await denoiser.predict(t);
  if (!gpu.isSoftware) await gpu.idle();
}

/** A chord in every item, steps t that are spread over all, and numbers for what the network is told: what they are does not matter. */
export function batchOf(model: DiffWaveConfig, { B, L }: Pick<Sizes, 'B' | 'L'>): Batch {
  const audio = Float32Array.from({ length: B * L }, (_, i) =>
    0.1 * [220, 277.2, 329.6].reduce((sum, hertz) => sum + Math.sin((2 * Math.PI * hertz * i) / model.sampleRate), 0));
  const t = Array.from({ length: B }, (_, item) => Math.floor(((item + 0.5) / B) * model.diffusionSteps));
  const told = numbersTold(model, L);
  return { audio, t, ...(told && { condition: new Float32Array(B * told.length).fill(told[0]!) }) };
}

/** Numbers for what a network is told of a clip of L samples, if it is told anything. */
export function numbersTold(model: DiffWaveConfig, L: number): Float32Array<ArrayBuffer> | undefined {
  const shape = conditioningOf(model)?.shape(L);
  return shape && new Float32Array(elementsOf(shape)).fill(0.1);
}
