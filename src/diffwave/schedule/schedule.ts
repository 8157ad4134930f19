/**
 * The noise schedule and every number derived from it, in float64, computed once. Equation numbers are those of Ho,
 * Jain and Abbeel, "Denoising diffusion probabilistic models" (NeurIPS 2020). Arrays have length T and count t from
 * 0: element 0 is the paper's t = 1, and ᾱ before it is 1.
 */
import { UserError } from '../../errors.ts';
import { betasOf, linearBetas } from './betas.ts';
import type { ScheduleConfig } from './config.ts';

/** σ_t² of the reverse process: β_t, or the posterior's β̃_t; section 3.2 finds both about equally good. */
export type Variance = 'beta' | 'posterior';

/**
 * Arrays of length T, by t counted from 0. All of them are finite, at zero terminal SNR too: where ᾱ_T = 0, and so
 * α_T = 0 and β_T = 1, only `inverseSqrtAlpha` has no value and is 0. Eq. 11 does not hold there; the mean of the
 * reverse step is that of eq. 7, posteriorMeanOfX0·x_0 + posteriorMeanOfXt·x_T, with the x_0 that v implies.
 */
export interface NoiseSchedule {
  readonly steps: number; // T
  readonly beta: Float64Array; // β_t, variance of the noise that step t adds (eq. 2)
  readonly alpha: Float64Array; // α_t = 1 − β_t
  readonly alphaBar: Float64Array; // ᾱ_t = Π_{s≤t} α_s (eq. 4)
  readonly sqrtAlphaBar: Float64Array; // √ᾱ_t, the signal level of x_t (eq. 4)
  readonly sqrtOneMinusAlphaBar: Float64Array; // √(1−ᾱ_t), the noise level of x_t (eq. 4)
  readonly inverseSqrtAlpha: Float64Array; // 1/√α_t (eq. 11), 0 where α_t = 0
  readonly noiseCoefficient: Float64Array; // β_t/√(1−ᾱ_t), the factor of ε_θ (eq. 11)
  readonly posteriorVariance: Float64Array; // β̃_t = (1−ᾱ_{t−1})/(1−ᾱ_t)·β_t, 0 at t = 0 (eq. 7)
  readonly posteriorMeanOfX0: Float64Array; // √ᾱ_{t−1}·β_t/(1−ᾱ_t), the factor of x_0 in μ̃_t (eq. 7)
  readonly posteriorMeanOfXt: Float64Array; // √α_t·(1−ᾱ_{t−1})/(1−ᾱ_t), the factor of x_t in μ̃_t (eq. 7)
  /** σ_t for every t. Its element 0 is 0: the last reverse step adds no noise (algorithm 2, line 3). */
  sigma(variance: Variance): Float64Array;
}

/** The schedule of a model. Throws a `UserError` if its fields describe none. */
export function scheduleOf(config: Omit<ScheduleConfig, 'prediction'>): NoiseSchedule {
  const { schedule, diffusionSteps: steps, betaStart, betaEnd, betas } = config;
  expectSteps(steps);
  if (schedule !== 'cosine' && schedule !== 'list') expectEnds({ betaStart, betaEnd });
  if (schedule === 'list' && betas?.length !== steps) {
    throw new UserError(`Noise schedule: a list of ${betas?.length ?? 0} β is one of as many diffusion steps, not of ${steps}.`);
  }
  return scheduleFrom(betasOf(config));
}

/**
 * The linear schedule of section 4: β rises from betaStart at t = 0 to betaEnd at t = T − 1; T = 1 has betaStart alone.
 * Throws a UserError unless T is a positive integer and 0 < betaStart ≤ betaEnd < 1.
 */
export function noiseSchedule(
  { steps, betaStart = 1e-4, betaEnd = 0.02 }: { steps: number; betaStart?: number; betaEnd?: number },
): NoiseSchedule {
  expectSteps(steps);
  expectEnds({ betaStart, betaEnd });
  return scheduleFrom(linearBetas({ steps, betaStart, betaEnd }));
}

function expectSteps(steps: number): void {
  if (Number.isSafeInteger(steps) && steps >= 1) return;
  throw new UserError(`Noise schedule: the number of diffusion steps must be a whole number from 1, not ${steps}.`);
}

function expectEnds({ betaStart, betaEnd }: { betaStart: number; betaEnd: number }): void {
  if (betaStart > 0 && betaStart <= betaEnd && betaEnd < 1) return;
  throw new UserError(
    `Noise schedule: wanted 0 < betaStart ≤ betaEnd < 1, got betaStart ${betaStart} and betaEnd ${betaEnd}.`,
  );
}

function scheduleFrom(beta: Float64Array): NoiseSchedule {
  const steps = beta.length;
  const perStep = (value: (t: number) => number): Float64Array =>
    Float64Array.from({ length: steps }, (_, t) => value(t));
  const alpha = beta.map((value) => 1 - value);
  let product = 1;
  const alphaBar = alpha.map((value) => (product *= value));
  const alphaBarBefore = perStep((t) => (t === 0 ? 1 : alphaBar[t - 1]!));
  const noise = alphaBar.map((value) => 1 - value); // variance of the noise in x_t
  if (!(noise[0]! > 0)) throw new UserError(`Noise schedule: β of the first step is ${beta[0]}, which float64 cannot tell from 0.`);
  const noiseBefore = alphaBarBefore.map((value) => 1 - value);
  const posteriorVariance = perStep((t) => (noiseBefore[t]! / noise[t]!) * beta[t]!);

  return {
    steps,
    beta,
    alpha,
    alphaBar,
    sqrtAlphaBar: alphaBar.map(Math.sqrt),
    sqrtOneMinusAlphaBar: noise.map(Math.sqrt),
    inverseSqrtAlpha: alpha.map((value) => (value === 0 ? 0 : 1 / Math.sqrt(value))),
    noiseCoefficient: perStep((t) => beta[t]! / Math.sqrt(noise[t]!)),
    posteriorVariance,
    posteriorMeanOfX0: perStep((t) => (Math.sqrt(alphaBarBefore[t]!) * beta[t]!) / noise[t]!),
    posteriorMeanOfXt: perStep((t) => (Math.sqrt(alpha[t]!) * noiseBefore[t]!) / noise[t]!),
    sigma: (variance) => {
      const squares = variance === 'beta' ? beta : posteriorVariance;
      return perStep((t) => (t === 0 ? 0 : Math.sqrt(squares[t]!)));
    },
  };
}
