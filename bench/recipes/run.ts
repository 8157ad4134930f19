/** One recipe: trained with a budget of floating-point operations, then sampled from. */
import type { ClipSource } from '../../src/diffwave/data/clips.ts';
import { configFor } from '../../src/diffwave/model/config.ts';
import type { Weights } from '../../src/diffwave/model/contract.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { trainingFlops } from '../../src/roofline/flops.ts';
import type { Recipe } from './list.ts';

export interface Trained {
  readonly model: DiffWave;
  readonly updates: number;
  /** Mean of the newest updates; of recipes that see the same data and predict the same these compare. */
  readonly loss: number;
  readonly seconds: number;
}

/** Trains for `flop` operations, and puts the averaged weights into the model. */
export async function trainRecipe(gpu: Gpu, recipe: Recipe, { clips, flop, seed }: {
  clips: ClipSource & { readonly sampleRate: number }; flop: number; seed: number;
}): Promise<Trained> {
  const config = configFor(recipe.model, clips);
  const wanted = { ...recipe.training, seed };
  const perUpdate = trainingFlops(config) * wanted.batchSize * (wanted.cropSamples ?? clips.clipSamples);
  const updates = Math.max(1, Math.round(flop / perUpdate));
  const training: TrainingConfig = recipe.anneal === undefined ? wanted
    : { ...wanted, warmupSteps: Math.ceil(updates / 20), learningRateSchedule: 'cosine', decaySteps: updates, decayFactor: recipe.anneal };
  const model = DiffWave.create(gpu, config, { seed });
  const start = performance.now();
  let averaged: Weights | undefined;
  const last = await train(model, {
    dataset: clips, training, steps: updates, printEvery: 50, saveEvery: updates,
    onSave: (state) => void (averaged = state.average),
  });
  if (averaged) model.restore(averaged);
  return { model, updates, loss: last!.recent.loss, seconds: (performance.now() - start) / 1000 };
}
