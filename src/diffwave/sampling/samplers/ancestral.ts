import type { Variance } from '../../schedule/schedule.ts';
import type { Sampler, SamplerName } from './sampler.ts';

/**
 * Ancestral sampling, Ho et al. 2020, "Denoising diffusion probabilistic models", algorithm 2, by the posterior of eq. 7:
 *
 *   x_s = √ᾱ_s·β/(1−ᾱ_t)·x̂_0 + √α·(1−ᾱ_s)/(1−ᾱ_t)·x_t + σ·z,   α = ᾱ_t/ᾱ_s, β = 1 − α
 *   σ² = β or β̃ = (1−ᾱ_s)/(1−ᾱ_t)·β (section 3.2), and 0 in the last step
 *
 * Between neighbours α and β are the schedule's own; on a sub-sequence they are those that lead from s to t at once
 * (Nichol and Dhariwal 2021, "Improved denoising diffusion probabilistic models", section 4, eq. 19).
 */
export function ancestral(options: { variance: Variance; name?: SamplerName }): Sampler {
  return {
    name: options.name ?? 'ddpm',
    usesHistory: false,
    isRandom: true,
    step({ from, to }) {
      const alpha = from.alphaBar / to.alphaBar;
      const beta = 1 - alpha;
      const shrink = (1 - to.alphaBar) / (1 - from.alphaBar);
      const variance = options.variance === 'beta' ? beta : shrink * beta;
      return {
        ofX: Math.sqrt(alpha) * shrink,
        ofX0: (Math.sqrt(to.alphaBar) * beta) / (1 - from.alphaBar),
        ofNoise: to.alphaBar === 1 ? 0 : Math.sqrt(variance),
        ofPrevious: 0,
      };
    },
  };
}
