import type { Sampler } from './sampler.ts';
import type { Level } from '../../schedule/level.ts';

/** e^−h from one level to a cleaner one, h = λ_s − λ_t, λ = ln(√ᾱ/√(1−ᾱ)): in [0, 1), and 0 where h is infinite. */
function decay(from: Level, to: Level): number {
  return Math.sqrt((from.alphaBar * (1 - to.alphaBar)) / (to.alphaBar * (1 - from.alphaBar)));
}

/**
 * DPM-Solver++(2M), Lu et al. 2022, "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models",
 * algorithm 2, on the discrete levels of our schedule; deterministic, second order:
 *
 *   x_s = √(1−ᾱ_s)/√(1−ᾱ_t)·x_t − √ᾱ_s·(e^−h − 1)·D,   D = (1 + 1/(2r))·x̂_0 − 1/(2r)·x̂_0 of the step before
 *
 * with h = λ_s − λ_t of this step and r the step before's h over it. The first step has no predecessor and the last one
 * ends at ᾱ = 1, where h is infinite: there D = x̂_0, the method of first order, which is DDIM's.
 */
export function dpmSolver(): Sampler {
  return {
    name: 'dpm++',
    usesHistory: true,
    isRandom: false,
    step({ from, to, previous }) {
      const shrink = decay(from, to);
      const isSecondOrder = previous !== undefined && shrink > 0;
      const half = isSecondOrder ? Math.log(shrink) / Math.log(decay(previous, from)) / 2 : 0; // 1/(2r)
      const weight = Math.sqrt(to.alphaBar) * (1 - shrink);
      return {
        ofX: Math.sqrt((1 - to.alphaBar) / (1 - from.alphaBar)),
        ofX0: weight * (1 + half),
        ofNoise: 0,
        ofPrevious: half === 0 ? 0 : -weight * half,
      };
    },
  };
}
