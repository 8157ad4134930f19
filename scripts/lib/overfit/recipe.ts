/** What `npm run overfit` trains: a preset, changed where that helps to learn a few clips by heart. */
import type { DatasetOptions } from '../../../src/dataset/options.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { receptiveField } from '../../../src/diffwave/model/shapes.ts';
import type { Preset } from '../../../src/diffwave/presets.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';

/** What depends on how much there is to compute with. */
export interface OverfitRecipe {
  readonly steps: number;
  readonly learningRate: number;
  /** Of a clip; whole clips of the data set where that is longer. */
  readonly clipSamples: number;
  /** The clips' rate is that of the preset divided by this: few samples shall last long enough to have something in them. */
  readonly downsample: number;
  /** How often the dilations run from 1 up to half a clip. */
  readonly cycles: number;
}

/** For two CPU cores. */
const SMALL: OverfitRecipe = { steps: 4000, learningRate: 2e-3, clipSamples: 512, downsample: 2, cycles: 2 };
/** For a GPU. */
const LARGE: OverfitRecipe = { steps: 20000, learningRate: 5e-4, clipSamples: Infinity, downsample: 1, cycles: 2 };

/** The recipe for a preset of that name. */
export function recipeFor(name: string): OverfitRecipe {
  return name === 'tiny' ? SMALL : LARGE;
}

/** Updates for clips of L samples: of more samples there is more to learn. */
export function stepsFor({ steps, clipSamples }: OverfitRecipe, L: number): number {
  return Math.round(steps * Math.max(1, L / clipSamples));
}

/** How recordings are cut. */
export function overfitData({ data }: Preset, { downsample }: OverfitRecipe): DatasetOptions {
  return { ...data, downsample: data.downsample * downsample };
}

/** Largest number that `dilationCycle` may be; see `MODEL_RULES`. */
const longestCycle = 24;

/**
 * The preset's network as it is trained on clips of L samples.
 *
 * Convolutions cannot tell where in a clip they are, but the silence that they see beyond its ends can: dilations run up to where a
 * cycle of layers sees an end from everywhere. What a cycle has found out about the place is there for the next one to use.
 *
 * x_T is noise alone and the network predicts v: at the last t that is the sound itself, so that what is where in a clip counts from
 * the first update on. A network that predicts ε there learns next to nothing.
 */
export function overfitModel({ model }: Preset, { recipe, L }: { recipe: OverfitRecipe; L: number }): DiffWaveConfig {
  let cycle = 1;
  const sees = (): number => receptiveField({ ...model, layers: cycle, dilationCycle: cycle, dilationBase: 2 });
  while (cycle < longestCycle && sees() < L) cycle++;
  return {
    ...model, layers: recipe.cycles * cycle, dilationCycle: cycle, dilationBase: 2, loss: 'mse',
    schedule: 'cosine', betas: null, zeroTerminalSnr: true, prediction: 'v',
    scale: 1, emphasis: 0, // every clip is scaled on its own
  };
}

/** How it is trained: whole clips, all of them in every batch, t stratified, the learning rate raised at first and brought down at the end. */
export function overfitTraining({ training }: Preset, { recipe, steps, seed, batchSize }: {
  recipe: OverfitRecipe; steps: number; seed: number; batchSize: number;
}): TrainingConfig {
  return {
    ...training,
    batchSize,
    cropSamples: null,
    learningRate: recipe.learningRate,
    warmupSteps: Math.min(100, Math.floor(steps / 10)),
    learningRateSchedule: 'cosine',
    decaySteps: steps,
    decayFactor: 0.05,
    minSnr: null,
    timesteps: 'stratified',
    polarityFlip: false,
    gainDb: 0,
    emaDecay: 0.999,
    seed,
  };
}
