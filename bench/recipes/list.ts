/** The recipes that are compared, each by what it changes of another. */
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import type { Preset } from '../../src/diffwave/presets.ts';
import { presetNamed } from '../../src/diffwave/presets.ts';
import type { SampleOptions } from '../../src/diffwave/sampling/sampling.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { UserError } from '../../src/errors.ts';

interface Changes {
  readonly model?: Partial<DiffWaveConfig>;
  readonly training?: Partial<TrainingConfig>;
  readonly sampling?: Partial<SampleOptions>;
  /** The learning rate rises over a twentieth of the updates and falls along a cosine to this part of it at the end. */
  readonly anneal?: number;
}

export interface Recipe extends Changes {
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
}

const gtzan = presetNamed('gtzan');

/** What the preset `tiny` was before recipes were compared: all of them start from it, and have its operations. */
export const CLASSIC: Pick<Preset, 'model' | 'training'> = {
  model: { ...gtzan.model, layers: 8, channels: 32, dilationCycle: 8, embeddingWidth: 128, diffusionSteps: 50, betaEnd: 0.2 },
  training: { ...gtzan.training, cropSamples: 2048, learningRate: 2e-3 },
};

const sized = (layers: number, channels: number, dilationBase = 2): Changes => ({ model: { layers, channels, dilationCycle: layers, dilationBase } });

/** One change each. */
export const FACTORS: Record<string, Changes> = {
  unit: { model: { scale: 'unit' } },
  e95: { model: { emphasis: 0.95 } },
  e8: { model: { emphasis: 0.8 } },
  v: { model: { schedule: 'cosine', prediction: 'v', zeroTerminalSnr: true } },
  anneal: { anneal: 0.01 },
  strat: { training: { timesteps: 'stratified' } },
  minsnr: { training: { minSnr: 5 } },
  flip: { training: { polarityFlip: true } },
  clip: { training: { clipNorm: 1 } },
  noema: { training: { emaDecay: 0 } },
  b8: { training: { cropSamples: 1024, batchSize: 8 } },
  small: { training: { cropSamples: 1024 } },
  tinyb: { training: { cropSamples: 1024, batchSize: 2 } },
  long: { training: { cropSamples: 4096, batchSize: 2 } },
  longest: { training: { cropSamples: 8192, batchSize: 1 } },
  lr1: { training: { learningRate: 1e-3 } },
  lr4: { training: { learningRate: 4e-3 } },
  base3: sized(8, 32, 3),
  base3x7: sized(7, 34, 3),
  k5: { model: { kernelSize: 5, layers: 6, dilationCycle: 6 } },
  k5b5: { model: { kernelSize: 5, layers: 5, channels: 32, dilationCycle: 5, dilationBase: 5 } },
  wide: sized(5, 40, 3),
  deep: sized(10, 28, 2),
  T200: { model: { diffusionSteps: 200, betaEnd: 0.05 }, sampling: { steps: 50 } },
  T25: { model: { diffusionSteps: 25, betaEnd: 0.4 } },
  beta: { sampling: { variance: 'beta' } },
  ddim: { sampling: { sampler: 'ddim', variance: undefined } },
  dpm20: { sampling: { sampler: 'dpm++', variance: undefined, steps: 20 } },
};

/** `classic.unit.e95`: those changes of `classic`, one after the other; `tiny` begins with the preset of today. */
export function recipeNamed(name: string): Recipe {
  const [start, ...factors] = name.split('.');
  if (start !== 'classic' && start !== 'tiny') throw new UserError(`the recipe "${name}" must begin with classic or tiny`);
  // The demo sampled from `classic` with the posterior's variance; networks of today's `tiny` crackle with it.
  const begin: Recipe = start === 'classic' ? { ...CLASSIC, sampling: { variance: 'posterior' } } : presetNamed('tiny');
  return factors.reduce((recipe: Recipe, factor) => {
    const change = FACTORS[factor];
    if (!change) throw new UserError(`there is no factor "${factor}": choose of ${Object.keys(FACTORS).join(', ')}`);
    return {
      ...recipe,
      ...change,
      model: { ...recipe.model, ...change.model },
      training: { ...recipe.training, ...change.training },
      sampling: { ...recipe.sampling, ...change.sampling },
    };
  }, begin);
}
