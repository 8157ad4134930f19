import type { Sampler } from './sampler.ts';

/**
 * DDIM, Song et al. 2021, "Denoising diffusion implicit models", eq. 12 with σ of eq. 16:
 *
 *   x_s = √ᾱ_s·x̂_0 + √(1−ᾱ_s−σ²)·ε̂ + σ·z,   ε̂ = (x_t − √ᾱ_t·x̂_0)/√(1−ᾱ_t)
 *   σ = η·√((1−ᾱ_s)/(1−ᾱ_t))·√(1 − ᾱ_t/ᾱ_s)
 *
 * η = 0 draws no noise after the start; η = 1 is ancestral sampling with the posterior's variance. ε̂ follows from x̂_0,
 * also where that was clamped.
 */
export function ddim({ eta }: { eta: number }): Sampler {
  return {
    name: 'ddim',
    usesHistory: false,
    isRandom: eta > 0,
    step({ from, to }) {
      const sigma = eta * Math.sqrt((1 - to.alphaBar) / (1 - from.alphaBar)) * Math.sqrt(1 - from.alphaBar / to.alphaBar);
      // The root is of a difference that is 0 where η = 1 and ᾱ_s = 1, or below by a rounding.
      const ofX = Math.sqrt(Math.max(0, 1 - to.alphaBar - sigma ** 2)) / Math.sqrt(1 - from.alphaBar);
      return { ofX, ofX0: Math.sqrt(to.alphaBar) - Math.sqrt(from.alphaBar) * ofX, ofNoise: sigma, ofPrevious: 0 };
    },
  };
}
