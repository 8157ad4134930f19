/** The noise schedules: β_t, the variance of the noise that step t adds, for t = 0 … T−1 in float64. */
import { UserError } from '../../errors.ts';
import type { ScheduleConfig } from './config.ts';

/**
 * No step of a formula's schedule adds more. Nichol and Dhariwal clip the cosine schedule there (section 3.2), "to
 * prevent singularities at the end"; scaled-linear needs it below T = 20.
 */
const mostBeta = 0.999;

/** T at which the ends of a scaled-linear schedule are meant. */
const scaledSteps = 1000;

/** s of the cosine schedule: keeps the first steps from adding too little noise. */
const cosineOffset = 0.008;

/** The schedule that a configuration describes. Throws a `UserError` if it cannot be stretched to zero terminal SNR. */
export function betasOf(config: Omit<ScheduleConfig, 'prediction'>): Float64Array {
  const betas = plainBetas(config);
  return config.zeroTerminalSnr ? withZeroTerminalSnr(betas) : betas;
}

function plainBetas({ schedule, diffusionSteps: steps, betaStart, betaEnd, betas }: Omit<ScheduleConfig, 'prediction'>): Float64Array {
  switch (schedule) {
    case 'linear': return linearBetas({ steps, betaStart, betaEnd });
    case 'scaled-linear': return scaledLinearBetas({ steps, betaStart, betaEnd });
    case 'cosine': return cosineBetas(steps);
    case 'list': return Float64Array.from(betas!);
  }
}

/** From `betaStart` at t = 0 to `betaEnd` at t = T − 1 (Ho et al. 2020, section 4); T = 1 has betaStart alone. */
export function linearBetas(options: { steps: number; betaStart: number; betaEnd: number }): Float64Array {
  const { steps, betaStart, betaEnd } = options;
  return Float64Array.from({ length: steps }, (_, t) => betaStart + (betaEnd - betaStart) * (t / Math.max(steps - 1, 1)));
}

/**
 * Linear with both ends multiplied by 1000/T, so that ᾱ_T hardly depends on T: the schedule "linear" in the code of
 * Nichol and Dhariwal 2021 (openai/improved-diffusion, `get_named_beta_schedule`) and of Dhariwal and Nichol 2021,
 * which let β pass 1 below T = 20; here it stays at 0.999 at most. Not what the library diffusers calls
 * "scaled_linear", which is linear in √β.
 */
export function scaledLinearBetas(options: { steps: number; betaStart: number; betaEnd: number }): Float64Array {
  return linearBetas(options).map((beta) => Math.min((beta * scaledSteps) / options.steps, mostBeta));
}

/**
 * Nichol and Dhariwal 2021, "Improved denoising diffusion probabilistic models", eq. 17: with t from 1 to T,
 * ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s)·π/2), s = 0.008, so β_t = 1 − f(t)/f(t−1), at most 0.999.
 */
export function cosineBetas(steps: number): Float64Array {
  const level = (t: number): number => Math.cos(((t / steps + cosineOffset) / (1 + cosineOffset)) * (Math.PI / 2)) ** 2;
  return Float64Array.from({ length: steps }, (_, t) => Math.min(1 - level(t + 1) / level(t), mostBeta));
}

/**
 * Stretches a schedule so that x_T is noise alone: Lin, Liu, Li and Yang 2024, "Common diffusion noise schedules and sample
 * steps are flawed" (WACV; arXiv 2305.08891), algorithm 1. √ᾱ is shifted until its last value is 0 and scaled so that
 * its first stays what it was. Then α_T = 0, β_T = 1. Throws a `UserError` where float64 sees no difference
 * between the last two ᾱ: α would be 0/0.
 */
export function withZeroTerminalSnr(betas: Float64Array): Float64Array {
  let product = 1;
  const levels = betas.map((beta) => Math.sqrt(product *= 1 - beta)); // √ᾱ_t
  const [first, last] = [levels[0]!, levels.at(-1)!];
  const stretched = levels.map((level) => ((level - last) * (first / (first - last))) ** 2);
  if (!(betas.length > 1 && stretched.at(-2)! > 0)) {
    throw new UserError(
      'Noise schedule: it cannot be stretched to zero terminal SNR, because the steps before the last leave no signal ' +
        'either: use two steps at least, and a smaller β',
    );
  }
  return stretched.map((level, t) => (t === 0 ? 1 - level : 1 - level / stretched[t - 1]!));
}
