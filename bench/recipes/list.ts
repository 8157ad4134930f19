/** The recipes that are compared, each by what it changes of another. */
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import type { SampleOptions } from '../../src/diffwave/sampling/sampling.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';

export interface Recipe {
  readonly model?: Partial<DiffWaveConfig>;
  readonly training?: Partial<TrainingConfig>;
  readonly sampling?: Partial<SampleOptions>;
  /** The learning rate rises over a twentieth of the updates and falls along a cosine to this part of it at the end. */
  readonly anneal?: number;
}

export const merge = (...parts: readonly Recipe[]): Recipe => parts.reduce((a, b) => ({
  ...a,
  ...b,
  model: { ...a.model, ...b.model },
  training: { ...a.training, ...b.training },
  sampling: { ...a.sampling, ...b.sampling },
}));

const sized = (layers: number, channels: number, dilationBase = 2): Recipe => ({ model: { layers, channels, dilationCycle: layers, dilationBase } });

/** One change each. */
export const FACTORS: Record<string, Recipe> = {
  tiny: { sampling: { sampler: 'ddpm', variance: 'posterior' } },
  unit: { model: { scale: 'unit' } },
  e95: { model: { emphasis: 0.95 } },
  e8: { model: { emphasis: 0.8 } },
  e9: { model: { emphasis: 0.9 } },
  v: { model: { schedule: 'cosine', prediction: 'v', zeroTerminalSnr: true } },
  anneal: { anneal: 0.01 },
  strat: { training: { timesteps: 'stratified' } },
  minsnr: { training: { minSnr: 5 } },
  flip: { training: { polarityFlip: true } },
  clip: { training: { clipNorm: 1 } },
  noema: { training: { emaDecay: 0 } },
  b8: { training: { cropSamples: 1024, batchSize: 8 } },
  small: { training: { cropSamples: 1024 } },
  long: { training: { cropSamples: 4096, batchSize: 2 } },
  tinyb: { training: { cropSamples: 1024, batchSize: 2 } },
  lr1: { training: { learningRate: 1e-3 } },
  lr4: { training: { learningRate: 4e-3 } },
  base3: sized(8, 32, 3),
  base3x7: sized(7, 34, 3),
  k5b5: { model: { kernelSize: 5, layers: 5, channels: 32, dilationCycle: 5, dilationBase: 5 } },
  wide: sized(5, 40, 3),
  deep: sized(10, 28, 2),
  k5: { model: { kernelSize: 5, layers: 6, dilationCycle: 6 } },
  T200: { model: { diffusionSteps: 200, betaEnd: 0.05 }, sampling: { steps: 50 } },
  beta: { sampling: { variance: 'beta' } },
  ddim: { sampling: { sampler: 'ddim', variance: undefined } },
  dpm20: { sampling: { sampler: 'dpm++', variance: undefined, steps: 20 } },
};

/** `unit.e95.anneal`: those changes of `tiny`, one after the other. */
export function recipeNamed(name: string): Recipe {
  return merge(FACTORS.tiny!, ...name.split('.').map((factor) => {
    const recipe = FACTORS[factor];
    if (!recipe) throw new Error(`there is no factor "${factor}": choose of ${Object.keys(FACTORS).join(', ')}`);
    return recipe;
  }));
}
