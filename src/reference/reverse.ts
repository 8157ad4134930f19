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
  return noisy.map((x, i) => (x - noiseCoefficient * predicted[i]!) * inverseSqrtAlpha + sigma * noise[i]!);
}

/**
 * A step of any sampler, element by element: x̂_0 = fromX·x_t + fromOutput·output within ±limit, then
 * x_s = ofX·x_t + ofX0·x̂_0 + ofNoise·z + ofPrevious·x̂_0 of the step before. Returns both.
 */
export function generalStep(
  { x, output, noise, previous, limit = Infinity, ...of }: {
    readonly x: Float64Array; // x_t
    readonly output: Float64Array; // of the network
    readonly noise: Float64Array; // z
    readonly previous: Float64Array; // x̂_0 of the step before
    readonly limit?: number;
    readonly fromX: number;
    readonly fromOutput: number;
    readonly ofX: number;
    readonly ofX0: number;
    readonly ofNoise: number;
    readonly ofPrevious: number;
  },
): { next: Float64Array; x0: Float64Array } {
  const x0 = x.map((value, i) => Math.min(limit, Math.max(-limit, of.fromX * value + of.fromOutput * output[i]!)));
  const next = x.map((value, i) =>
    of.ofX * value + of.ofX0 * x0[i]! + of.ofNoise * noise[i]! + of.ofPrevious * previous[i]!);
  return { next, x0 };
}
