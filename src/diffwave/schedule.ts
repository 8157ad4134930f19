/**
 * The noise schedule and every number derived from it, in float64, computed once. Equation numbers are those of Ho,
 * Jain and Abbeel, "Denoising diffusion probabilistic models" (NeurIPS 2020). Arrays have length T and count t from
 * 0: element 0 is the paper's t = 1, and ᾱ before it is 1.
 */
import { UserError } from '../errors.ts';

/** σ_t² of the reverse process: β_t, or the posterior's β̃_t; section 3.2 finds both about equally good. */
export type Variance = 'beta' | 'posterior';

/** Arrays of length T, by t counted from 0. */
export interface NoiseSchedule {
  readonly steps: number; // T
  readonly beta: Float64Array; // β_t, variance of the noise that step t adds (eq. 2)
  readonly alpha: Float64Array; // α_t = 1 − β_t
  readonly alphaBar: Float64Array; // ᾱ_t = Π_{s≤t} α_s (eq. 4)
  readonly sqrtAlphaBar: Float64Array; // √ᾱ_t, the signal level of x_t (eq. 4)
  readonly sqrtOneMinusAlphaBar: Float64Array; // √(1−ᾱ_t), the noise level of x_t (eq. 4)
  readonly inverseSqrtAlpha: Float64Array; // 1/√α_t (eq. 11)
  readonly noiseCoefficient: Float64Array; // β_t/√(1−ᾱ_t), the factor of ε_θ (eq. 11)
  readonly posteriorVariance: Float64Array; // β̃_t = (1−ᾱ_{t−1})/(1−ᾱ_t)·β_t, 0 at t = 0 (eq. 7)
  readonly posteriorMeanOfX0: Float64Array; // √ᾱ_{t−1}·β_t/(1−ᾱ_t), the factor of x_0 in μ̃_t (eq. 7)
  readonly posteriorMeanOfXt: Float64Array; // √α_t·(1−ᾱ_{t−1})/(1−ᾱ_t), the factor of x_t in μ̃_t (eq. 7)
  /** σ_t for every t. Its element 0 is 0: the last reverse step adds no noise (algorithm 2, line 3). */
  sigma(variance: Variance): Float64Array;
}

/**
 * The linear schedule of section 4: β rises from betaStart at t = 0 to betaEnd at t = T − 1; T = 1 has betaStart alone.
 * Throws a UserError unless T is a positive integer and 0 < betaStart ≤ betaEnd < 1.
 */
export function noiseSchedule(
  { steps, betaStart = 1e-4, betaEnd = 0.02 }: { steps: number; betaStart?: number; betaEnd?: number },
): NoiseSchedule {
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new UserError(`Noise schedule: the number of diffusion steps must be a whole number from 1, not ${steps}.`);
  }
  if (!(betaStart > 0 && betaStart <= betaEnd && betaEnd < 1)) {
    throw new UserError(
      `Noise schedule: wanted 0 < betaStart ≤ betaEnd < 1, got betaStart ${betaStart} and betaEnd ${betaEnd}.`,
    );
  }

  const perStep = (value: (t: number) => number): Float64Array =>
    Float64Array.from({ length: steps }, (_, t) => value(t));
  const beta = perStep((t) => betaStart + (betaEnd - betaStart) * (t / Math.max(steps - 1, 1)));
  const alpha = beta.map((value) => 1 - value);
  let product = 1;
  const alphaBar = alpha.map((value) => (product *= value));
  const alphaBarBefore = perStep((t) => (t === 0 ? 1 : alphaBar[t - 1]));
  const noise = alphaBar.map((value) => 1 - value); // variance of the noise in x_t
  const noiseBefore = alphaBarBefore.map((value) => 1 - value);
  const posteriorVariance = perStep((t) => (noiseBefore[t] / noise[t]) * beta[t]);

  return {
    steps,
    beta,
    alpha,
    alphaBar,
    sqrtAlphaBar: alphaBar.map(Math.sqrt),
    sqrtOneMinusAlphaBar: noise.map(Math.sqrt),
    inverseSqrtAlpha: alpha.map((value) => 1 / Math.sqrt(value)),
    noiseCoefficient: perStep((t) => beta[t] / Math.sqrt(noise[t])),
    posteriorVariance,
    posteriorMeanOfX0: perStep((t) => (Math.sqrt(alphaBarBefore[t]) * beta[t]) / noise[t]),
    posteriorMeanOfXt: perStep((t) => (Math.sqrt(alpha[t]) * noiseBefore[t]) / noise[t]),
    sigma: (variance) => {
      const squares = variance === 'beta' ? beta : posteriorVariance;
      return perStep((t) => (t === 0 ? 0 : Math.sqrt(squares[t])));
    },
  };
}
