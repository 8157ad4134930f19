/**
 * One step of the reverse process (Ho et al. 2020, algorithm 2, line 4),
 * x_{t−1} = (x_t − β_t/√(1−ᾱ_t)·ε_θ(x_t, t))/√α_t + σ_t·z. The three arrays have one shape, which is the result's.
 */
export function reverseStep(
  { noisy, predicted, noise, inverseSqrtAlpha, noiseCoefficient, sigma }: {
    readonly noisy: Float64Array; // x_t
    readonly predicted: Float64Array; // ε_θ(x_t, t)
    readonly noise: Float64Array; // z
    readonly inverseSqrtAlpha: number; // 1/√α_t
    readonly noiseCoefficient: number; // β_t/√(1−ᾱ_t)
    readonly sigma: number; // σ_t, 0 at the last step
  },
): Float64Array {
  return noisy.map((x, i) => (x - noiseCoefficient * predicted[i]) * inverseSqrtAlpha + sigma * noise[i]);
}
