/** From what a user asks for to a sampler and its levels. */
import { UserError } from '../../../errors.ts';
import type { NoiseSchedule, Variance } from '../../schedule/schedule.ts';
import { ancestral } from './ancestral.ts';
import { ddim } from './ddim.ts';
import { dpmSolver } from './dpmSolver.ts';
import type { Spacing } from './levels.ts';
import { fastBetas, levelsFromBetas, levelsOf } from './levels.ts';
import type { Sampler, SamplerName } from './sampler.ts';
import type { Level } from '../../schedule/level.ts';

export interface SamplerOptions {
  /** `ddpm` is ancestral sampling (default), `fast` the same on a list of β of its own. */
  readonly sampler?: SamplerName;
  /** Levels to visit of the network's T; all of them by default. Not with `fast`. */
  readonly steps?: number;
  readonly spacing?: Spacing;
  /** σ² of `ddpm` (default β) and `fast` (default β̃ of the posterior, as in DiffWave). */
  readonly variance?: Variance;
  /** η of `ddim`, from 0 (default, deterministic) to 1 (as random as `ddpm` with the posterior's variance). */
  readonly eta?: number;
  /** β of `fast`, from the cleanest step to the noisiest; DiffWave's six by default. */
  readonly betas?: readonly number[];
}

/** Which samplers an option has a meaning for. */
const MEANT_FOR: Record<Exclude<keyof SamplerOptions, 'sampler'>, readonly SamplerName[]> = {
  steps: ['ddpm', 'ddim', 'dpm++'],
  spacing: ['ddpm', 'ddim', 'dpm++'],
  variance: ['ddpm', 'fast'],
  eta: ['ddim'],
  betas: ['fast'],
};

/** The sampler and its levels, from the cleanest to the noisiest. Throws a UserError on options that contradict each other. */
export function chooseSampler(options: SamplerOptions, schedule: NoiseSchedule): { sampler: Sampler; levels: Level[] } {
  const { sampler: name = 'ddpm', steps, spacing, variance, eta = 0, betas = fastBetas } = options;
  for (const [option, samplers] of Object.entries(MEANT_FOR)) {
    if (options[option as keyof SamplerOptions] === undefined || samplers.includes(name)) continue;
    throw new UserError(`'${option}' has no meaning for the sampler ${name}, only for ${samplers.join(', ')}`);
  }
  if (!(eta >= 0 && eta <= 1)) throw new UserError(`eta must be from 0 to 1, got ${eta}`);
  if (name === 'fast') {
    return { sampler: ancestral({ name, variance: variance ?? 'posterior' }), levels: levelsFromBetas(schedule, betas) };
  }
  const samplers = { ddpm: () => ancestral({ variance: variance ?? 'beta' }), ddim: () => ddim({ eta }), 'dpm++': dpmSolver };
  return { sampler: samplers[name](), levels: levelsOf(schedule, { steps, spacing }) };
}
