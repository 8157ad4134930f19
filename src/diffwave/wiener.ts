/** The best that a linear filter can do at the network's task: a baseline that knows a spectrum and nothing else. */
import { meanOverFrequency } from '../audio/powerSpectrum.ts';

/**
 * Mean squared error of the Wiener filter that predicts ε from x_t = √ᾱ·x_0 + √(1−ᾱ)·ε.
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
 * @param designed (N) S, from `powerSpectrum`
 * @param actual (N) V, by default S
 */
export function wienerLoss(options: { alphaBar: number; designed: Float64Array; actual?: Float64Array }): number {
  const { alphaBar, designed, actual = designed } = options;
  const noise = 1 - alphaBar;
  return meanOverFrequency(designed.length, (bin) => {
    const signal = alphaBar * designed[bin]!;
    return (signal ** 2 + noise * alphaBar * actual[bin]!) / (signal + noise) ** 2;
  });
}

/** Mean squared error of predicting that there is no noise: E ε² of standard normal ε. */
export const zeroLoss = 1;
