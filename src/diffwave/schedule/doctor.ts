/**
 * What a noise schedule does to the level of a sound, before anything is trained.
 *
 * Take x_0 to be a stationary Gaussian signal of power spectrum S(f), on the scale on which white noise of variance 1 is
 * 1 throughout. The forward process mixes it with such noise, so no two frequencies have to do with each other: each
 * is a Gaussian number of variance S, and of x_t the variance is ᾱ_t·S + 1−ᾱ_t. The best that any network can
 * predict is then known: E[x_0 | x_t] = W_t·x_t with W_t = √ᾱ_t·S/(ᾱ_t·S + 1−ᾱ_t), Wiener's filter, whether it is
 * said as x_0, ε or v. Ancestral sampling (Ho et al. 2020, algorithm 2, with the mean of eq. 7) is linear in x_t,
 *
 *   x_{t−1} = a_t·x_t + σ_t·z,   a_t = √ᾱ_{t−1}·β_t/(1−ᾱ_t)·W_t + √α_t·(1−ᾱ_{t−1})/(1−ᾱ_t),
 *
 * and so the variance follows P_{t−1} = a_t²·P_t + σ_t², from P_T = 1 if sampling starts from N(0, 1), or from what the
 * forward process would have left, P_T = ᾱ_T·S + 1−ᾱ_T. √(P_0/S) is the level at which the frequency comes out: 1 is
 * right. Exact for that signal; music is not Gaussian, but its loudest partials meet the same x_T.
 */
import { meanOverFrequency } from '../../audio/powerSpectrum.ts';
import type { NoiseSchedule, Variance } from './schedule.ts';
import type { Prediction } from '../../ops/diffuse.ts';

/** What x_T is drawn from: N(0, 1), or what the forward process leaves, ᾱ_T·S + 1−ᾱ_T. */
export type Start = 'noise' | 'true';

/**
 * The bin that the verdict is about, in dB over the noise. The loudest partials of single clips of music lie about there:
 * in 198 clips of an RMS of 0.17, at 11 dB in frames of 1024 samples and at 15 dB in frames of 4096. Of a data set that
 * was brought to an RMS of 1, it is what is 14 dB over the mean.
 */
export const verdictDecibels = 14;

/** Bins that are looked at, in dB of their power over the noise's. */
const tableDecibels: readonly number[] = [-40, -20, -10, 0, 6, 10, verdictDecibels, 20];

export interface BinLevel {
  readonly decibels: number; // 10·log10 S
  readonly noise: number; // level from N(0, 1); 1 is right
  readonly true: number; // level from the true x_T: what is missing there is missing because of the steps' size
}

export interface Diagnosis {
  readonly alphaBar: number; // ᾱ_T, the part of the signal's power that x_T has
  readonly snrDecibels: number; // ᾱ_T/(1−ᾱ_T) in dB, −Infinity at zero terminal SNR
  readonly bins: readonly BinLevel[];
  readonly verdict: BinLevel; // that of `verdictDecibels`
}

export function diagnose(schedule: NoiseSchedule, variance: Variance): Diagnosis {
  const alphaBar = schedule.alphaBar.at(-1)!;
  const levels = (start: Start): Float64Array => sampledLevels({ schedule, variance, start, decibels: tableDecibels });
  const [noise, truth] = [levels('noise'), levels('true')];
  const bins = tableDecibels.map((decibels, i): BinLevel => ({ decibels, noise: noise[i]!, true: truth[i]! }));
  return {
    alphaBar,
    snrDecibels: 10 * Math.log10(alphaBar / (1 - alphaBar)),
    bins,
    verdict: bins.find(({ decibels }) => decibels === verdictDecibels)!,
  };
}

export interface IdealSampling {
  readonly schedule: NoiseSchedule;
  readonly variance: Variance;
  readonly start: Start;
}

/** √(P_0/S) for bins of these powers over the noise, in dB. */
export function sampledLevels({ decibels, ...sampling }: IdealSampling & { decibels: readonly number[] }): Float64Array {
  const powers = Float64Array.from(decibels, (value) => 10 ** (value / 10));
  return sampledPowers({ ...sampling, powers }).map((power, i) => Math.sqrt(power / powers[i]!));
}

/** P_0 after ideal ancestral sampling, for bins of the powers S: see the top of the file. */
export function sampledPowers(options: IdealSampling & { powers: Float64Array }): Float64Array {
  const { schedule: { steps, alphaBar, posteriorMeanOfX0, posteriorMeanOfXt, sigma }, variance, start, powers } = options;
  const noise = sigma(variance);
  return powers.map((S) => {
    const varianceAt = (t: number): number => alphaBar[t]! * S + (1 - alphaBar[t]!); // of x_t
    let P = start === 'noise' ? 1 : varianceAt(steps - 1);
    for (let t = steps - 1; t >= 0; t--) {
      const wiener = (Math.sqrt(alphaBar[t]!) * S) / varianceAt(t);
      const a = posteriorMeanOfX0[t]! * wiener + posteriorMeanOfXt[t]!;
      P = a ** 2 * P + noise[t]! ** 2;
    }
    return P;
  });
}

/** How much of the verdict's level it costs to start from N(0, 1) and not from the true x_T: 1 is nothing. */
export function startKeeps({ verdict }: Pick<Diagnosis, 'verdict'>): number {
  return verdict.noise / verdict.true;
}

/**
 * What a step at most multiplies an error of the prediction by: |∂x_{t−1}/∂ε̂| or |∂x_{t−1}/∂v̂|, with the x_0 that goes into
 * the mean of eq. 7 being (x_t − √(1−ᾱ_t)·ε̂)/√ᾱ_t or √ᾱ_t·x_t − √(1−ᾱ_t)·v̂. The levels above are those of an ideal network,
 * without errors: where ᾱ_T is nearly 0, ε̂ is divided by nearly 0, and a trained network's error can drown the sound.
 */
export function errorGain(
  { posteriorMeanOfX0, sqrtAlphaBar, sqrtOneMinusAlphaBar }: NoiseSchedule, prediction: Prediction,
): number {
  return Math.max(...posteriorMeanOfX0.map((factor, t) =>
    (factor * sqrtOneMinusAlphaBar[t]!) / (prediction === 'v' ? 1 : sqrtAlphaBar[t]!)));
}

/** What a data set means to a schedule; powers in dB over the noise. */
export interface DataDiagnosis {
  readonly mean: number; // mean square of the samples
  readonly loudest: number; // bin of the mean spectrum
  readonly loudestOfClip: number; // bin of a single clip's spectrum
  readonly level: number; // of the latter, from N(0, 1)
  readonly kept: number; // part of the clips' power that comes out, from N(0, 1)
}

/** `spectra`: every clip's, from `powerSpectrum`. */
export function diagnoseData(spectra: readonly Float64Array[], sampling: Omit<IdealSampling, 'start'>): DataDiagnosis {
  const start = { ...sampling, start: 'noise' as const };
  const power = (spectrum: Float64Array): number => meanOverFrequency(spectrum.length, (bin) => spectrum[bin]!);
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const decibels = (value: number): number => 10 * Math.log10(value);
  const mean = spectra[0]!.map((_, bin) => total(spectra.map((spectrum) => spectrum[bin]!)) / spectra.length);
  const loudestOfClip = decibels(Math.max(...spectra.map((spectrum) => Math.max(...spectrum))));
  return {
    mean: decibels(power(mean)),
    loudest: decibels(Math.max(...mean)),
    loudestOfClip,
    level: sampledLevels({ ...start, decibels: [loudestOfClip] })[0]!,
    kept: total(spectra.map((powers) => power(sampledPowers({ ...start, powers })))) / total(spectra.map(power)),
  };
}

/**
 * The smallest of `candidates`, in rising order, that `accepts`, if any does; what follows an accepted one is taken to be
 * accepted as well.
 */
export function smallest(candidates: readonly number[], accepts: (candidate: number) => boolean): number | undefined {
  let [from, to] = [0, candidates.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (accepts(candidates[middle]!)) to = middle;
    else from = middle + 1;
  }
  return candidates[from];
}
