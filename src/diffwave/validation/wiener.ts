/** The best that a linear filter can do at the network's task: a baseline that knows a spectrum and nothing else. */
import { meanOverFrequency } from '../../audio/powerSpectrum.ts';
import type { Prediction } from '../../ops/diffuse.ts';

/**
 * Mean squared error of the Wiener filter that predicts ε, or v, from x_t = √ᾱ·x_0 + √(1−ᾱ)·ε.
 *
 * x_0 is a stationary signal of spectrum S(f), ε is white with spectrum 1, and they are independent. A linear,
 * time-invariant estimate ε̂ = g ∗ x_t works on every frequency by itself: E|ε − G·x_t|² is least for
 * G = E[ε x_t*]/E|x_t|² = √(1−ᾱ)/(ᾱS + 1−ᾱ) (Wiener 1949, without the demand that the filter be causal). What remains,
 * with the spectrum V of the signal that it is tried on, is
 *
 *   |1 − G√(1−ᾱ)|² + G²ᾱV = ((ᾱS)² + (1−ᾱ)ᾱV)/(ᾱS + 1−ᾱ)²,   for V = S:   ᾱS/(ᾱS + 1−ᾱ),
 *
 * and its mean over f is the error per sample. The filter is made for the spectrum of the training set and judged on a
 * crop that it has not seen, as the network is: a quiet crop is easier for both.
 *
 * Of v = √ᾱ·ε − √(1−ᾱ)·x_0 it is G = √(ᾱ(1−ᾱ))·(1 − S)/(ᾱS + 1−ᾱ), and what remains is
 *
 *   |√ᾱ − G√(1−ᾱ)|² + |√(1−ᾱ) + G√ᾱ|²·V = (ᾱS² + (1−ᾱ)V)/(ᾱS + 1−ᾱ)²,   for V = S:   S/(ᾱS + 1−ᾱ):
 *
 * the error of ε divided by ᾱ, as √ᾱ·v = ε − √(1−ᾱ)·x_t and x_t is known. It has a value at ᾱ = 0, where v = −x_0.
 *
 * @param designed (N) S, from `powerSpectrum`
 * @param actual (N) V, by default S
 */
export function wienerLoss(options: {
  alphaBar: number; prediction: Prediction; designed: Float64Array; actual?: Float64Array;
}): number {
  const { alphaBar, prediction, designed, actual = designed } = options;
  const noise = 1 - alphaBar;
  return meanOverFrequency(designed.length, (bin) => {
    const errorOfV = (alphaBar * designed[bin]! ** 2 + noise * actual[bin]!) / (alphaBar * designed[bin]! + noise) ** 2;
    return prediction === 'v' ? errorOfV : alphaBar * errorOfV;
  });
}

/**
 * Mean squared error of predicting zero, where the clip has the mean square `power`: E ε² = 1, or
 * E v² = ᾱ + (1−ᾱ)·power, as x_0 and ε are independent.
 */
export function zeroLoss(options: { alphaBar: number; prediction: Prediction; power: number }): number {
  const { alphaBar, prediction, power } = options;
  return prediction === 'v' ? alphaBar + (1 - alphaBar) * power : 1;
}
