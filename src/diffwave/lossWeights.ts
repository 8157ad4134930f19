import type { NoiseSchedule } from './schedule.ts';

/**
 * Weight of the loss at every t: min(SNR, γ)/SNR with SNR = ᾱ/(1−ᾱ), for a network that predicts the noise (Hang et al.
 * 2023, "Efficient diffusion training via min-SNR weighting strategy"; they take γ = 5). Without γ all are
 * 1. It lets the nearly clean steps, whose noise is hardly to be told from the signal, count for less.
 */
export function lossWeights({ alphaBar }: Pick<NoiseSchedule, 'alphaBar'>, gamma: number | null): Float64Array {
  return Float64Array.from(alphaBar, (level) => {
    const ratio = level / (1 - level);
    return gamma === null ? 1 : Math.min(ratio, gamma) / ratio;
  });
}
