import type { NoiseSchedule } from '../schedule/schedule.ts';
import type { Prediction } from '../../ops/diffuse.ts';

/**
 * Weight of the loss at every t, by Hang et al. 2023, "Efficient diffusion training via min-SNR weighting strategy",
 * with SNR = ᾱ/(1−ᾱ): min(SNR, γ)/SNR for a network that predicts the noise, min(SNR, γ)/(SNR + 1) for one
 * that predicts v. Either makes the error of the implied x_0 weigh min(SNR, γ); they take γ = 5. Without γ all are 1. It
 * lets the nearly clean steps, whose noise is hardly to be told from the signal, count for less.
 *
 * With SNR + 1 = 1/(1−ᾱ), the second is min(ᾱ, γ(1−ᾱ)). At zero terminal SNR the last step therefore has weight 0: it is
 * not trained, and what the network says there is what it has learned of the step before.
 */
export function lossWeights(
  { alphaBar }: Pick<NoiseSchedule, 'alphaBar'>,
  { gamma, prediction }: { gamma: number | null; prediction: Prediction },
): Float64Array {
  return Float64Array.from(alphaBar, (level) => {
    if (gamma === null) return 1;
    const noise = 1 - level;
    return prediction === 'v' ? Math.min(level, gamma * noise) : Math.min(1, gamma / (level / noise));
  });
}
