/** How a DiffWave is trained: the fields, what they are by default, and what they may be. */
import { UserError } from '../../errors.ts';
import { COUNT, COUNT_OR_NULL, DECAY, FROM_ZERO, POSITIVE, POSITIVE_OR_NULL, WHOLE, applyRules, oneOf } from '../rules.ts';
import type { Rule } from '../rules.ts';

/**
 * The training. The optimiser is Adam (Kingma and Ba 2015), with `weightDecay` AdamW (Loshchilov and Hutter 2019). What
 * lies beyond the papers on DiffWave and on diffusion (Kong et al. 2021, Ho et al. 2020) is off by default.
 */
export interface TrainingConfig {
  readonly batchSize: number; // B
  readonly cropSamples: number | null; // L, samples cut at random from a clip; null takes whole clips
  readonly learningRate: number;
  readonly warmupSteps: number; // updates in which the learning rate rises to its value, see learningRate.ts
  readonly learningRateSchedule: 'constant' | 'cosine' | 'step'; // what the learning rate does after that
  readonly decaySteps: number | null; // cosine: the update at its end, null for the last; step: updates from drop to drop
  readonly decayFactor: number; // cosine: part of the learning rate at the end; step: its factor at a drop
  readonly beta1: number; // decay of Adam's running mean of the gradient
  readonly beta2: number; // decay of Adam's running mean of its square
  readonly epsilon: number; // added to the root of the latter
  readonly weightDecay: number; // λ: every update takes λ·learning rate of a weight from it; 0 is plain Adam
  readonly clipNorm: number | null; // gradients with a larger norm are scaled to this (Pascanu et al. 2013)
  readonly emaDecay: number; // largest decay of the weights' running mean (Ho et al. 2020: 0.9999), see averaging.ts
  readonly minSnr: number | null; // γ: losses of item t weigh min(SNR, γ)/SNR (Hang et al. 2023), see lossWeights.ts
  readonly timesteps: 'uniform' | 'stratified'; // how t is drawn, see timesteps.ts
  readonly polarityFlip: boolean; // half of the crops are turned upside down
  readonly gainDb: number; // a crop becomes louder or quieter by up to this, but not louder than full scale
  readonly labelDropout: number; // share of the items of a network with labels whose label it is not told, see ops/guide.ts
  readonly seed: number; // of weights, crops, t and noise
  /** `mixed` stores activations as f16; `matrix` multiplies in subgroup matrices besides. Sums, gradients, weights stay float32. */
  readonly precision: 'float32' | 'mixed' | 'matrix';
  /**
   * Parts of a batch whose gradients are computed apart and added one after the other on the host: to the bit the same on any
   * number of ranks. They are of one size. null: as it fits the memory, on the GPU, within one process.
   */
  readonly parts: number | null;
}

/** What the presets start from. */
export const TRAINING: TrainingConfig = {
  batchSize: 4,
  cropSamples: null,
  learningRate: 2e-4,
  warmupSteps: 0,
  learningRateSchedule: 'constant',
  decaySteps: null,
  decayFactor: 0.1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  clipNorm: null,
  // On: what is sampled from averaged weights is better throughout the literature (Song and Ermon 2020, "Improved
  // techniques for training score-based generative models", technique 5), and with the warm-up short runs gain, too.
  emaDecay: 0.9999,
  minSnr: null,
  timesteps: 'uniform',
  polarityFlip: false,
  gainDb: 0,
  labelDropout: 0.1,
  seed: 0,
  precision: 'float32',
  parts: null,
};

/** What runs were like that were begun before there was a choice: a configuration that lacks these fields means this. */
const BEFORE_CHOICE = {
  warmupSteps: 0,
  learningRateSchedule: 'constant',
  decaySteps: null,
  decayFactor: 0.1,
  weightDecay: 0,
  clipNorm: null,
  emaDecay: 0,
  minSnr: null,
  timesteps: 'uniform',
  polarityFlip: false,
  gainDb: 0,
  labelDropout: 0.1,
  precision: 'float32',
  parts: null,
} as const satisfies Partial<TrainingConfig>;

/** The training's part of a file, with the fields that it lacks. Not validated. */
export function completeTraining(fields: Partial<TrainingConfig>): TrainingConfig {
  const { schedule, ...others } = fields as Partial<TrainingConfig> & { schedule?: TrainingConfig['learningRateSchedule'] };
  // Versions before 0.2.0 called it `schedule`, as the noise's is called.
  return { ...BEFORE_CHOICE, ...(schedule !== undefined && { learningRateSchedule: schedule }), ...others } as TrainingConfig;
}

/** What each field may be; `validateTraining` also knows which go together. */
export const TRAINING_RULES: Record<keyof TrainingConfig, Rule> = {
  batchSize: COUNT,
  cropSamples: COUNT_OR_NULL,
  learningRate: POSITIVE,
  warmupSteps: WHOLE,
  learningRateSchedule: oneOf('constant', 'cosine', 'step'),
  decaySteps: COUNT_OR_NULL,
  decayFactor: DECAY,
  beta1: DECAY,
  beta2: DECAY,
  epsilon: POSITIVE,
  weightDecay: FROM_ZERO,
  clipNorm: POSITIVE_OR_NULL,
  emaDecay: DECAY,
  minSnr: POSITIVE_OR_NULL,
  timesteps: oneOf('uniform', 'stratified'),
  polarityFlip: { accepts: (value) => typeof value === 'boolean', wanted: 'true or false' },
  gainDb: FROM_ZERO,
  labelDropout: { accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1, wanted: 'a number from 0 to 1' },
  seed: WHOLE,
  precision: oneOf('float32', 'mixed', 'matrix'),
  parts: COUNT_OR_NULL,
};

/** Throws a UserError with the field, what was wanted and what came. `where` is the file or flags it came from. */
export function validateTraining(training: TrainingConfig, where: string): void {
  applyRules({ values: training, rules: TRAINING_RULES, where });
  const { learningRateSchedule: schedule, decaySteps, warmupSteps, batchSize, parts } = training;
  if (parts !== null && batchSize % parts !== 0) {
    throw new UserError(`${where}: batchSize ${batchSize} must be a multiple of parts ${parts}.`);
  }
  if (schedule === 'step' && decaySteps === null) throw new UserError(`${where}: decaySteps must be given for the step schedule.`);
  if (schedule === 'cosine' && decaySteps !== null && decaySteps <= warmupSteps) {
    throw new UserError(`${where}: decaySteps ${decaySteps} must be above warmupSteps ${warmupSteps}.`);
  }
}
