/** Changing the sample rate by a whole factor or by any ratio, with the windowed sinc of `lowpass.ts`. */
import { TRANSITION, filterEvery, lowPassKernel, normalised, windowedSinc } from './lowpass.ts';
import type { SincDesign } from './lowpass.ts';

/**
 * Half the length of the anti-alias filter, in samples of the lower of the two rates. A filter of 64 such samples needs
 * 5.53 / 64 = 9 % of the lower rate to fall from 0 to −74 dB, which is laid just below its Nyquist frequency: what
 * folds back is below −74 dB, and the lowest 83 % of the band pass unchanged.
 */
const HALF_WIDTH = 32;
const CUTOFF = 0.5 - TRANSITION / (2 * HALF_WIDTH) / 2; // in cycles per sample of the lower rate: 0.457

/**
 * Every `factor`-th sample of the signal, after a low-pass of 64 · factor + 1 taps with its cutoff at 0.457 of the new
 * rate. Sample i of the result lies at the time of sample i · factor.
 *
 * @param signal (L) samples
 * @returns (⌈L / factor⌉) samples
 * @throws RangeError when the factor is not a whole number of at least 1
 */
export function decimate(signal: Float32Array, factor: number): Float32Array {
  if (!Number.isInteger(factor) || factor < 1) {
    throw new RangeError(`decimate: the factor must be a whole number of at least 1, not ${factor}`);
  }
  if (factor === 1) return signal.slice();
  return filterEvery(signal, lowPassKernel(CUTOFF, factor, 2 * HALF_WIDTH * factor + 1), factor);
}

/**
 * The signal at another sample rate (band-limited interpolation: J. O. Smith, "Digital Audio Resampling", CCRMA).
 * Sample i of the result lies at time i / toHz, where the input is interpolated by a windowed sinc that also is the
 * anti-alias filter when the rate goes down. For whole rates only toHz / gcd positions between two input samples occur,
 * so the filters are computed once each.
 *
 * @param signal (L) samples at `fromHz`
 * @returns (⌈L · toHz / fromHz⌉) samples
 * @throws RangeError when a rate is not a whole number of at least 1 Hz
 */
export function resample(signal: Float32Array, fromHz: number, toHz: number): Float32Array {
  for (const rate of [fromHz, toHz]) {
    if (!Number.isInteger(rate) || rate < 1) {
      throw new RangeError(`resample: a sample rate must be a whole number of at least 1 Hz, not ${rate}`);
    }
  }
  if (fromHz === toHz) return signal.slice();
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const up = toHz / divisor; // the result's sample i lies at the input's position i · down / up
  const down = fromHz / divisor;
  const slowdown = Math.max(1, down / up); // input samples per sample of the lower rate
  const design: SincDesign = { cutoff: CUTOFF / slowdown, halfWidth: HALF_WIDTH * slowdown };
  const reach = Math.ceil(design.halfWidth);
  const kernels: Float64Array[] = [];

  const padded = new Float64Array(signal.length + 2 * reach);
  padded.set(signal, reach);
  const result = new Float32Array(Math.ceil((signal.length * up) / down));
  for (let i = 0; i < result.length; i++) {
    const phase = (i * down) % up; // in units of 1 / up input samples, behind input sample `whole`
    const whole = (i * down - phase) / up;
    const kernel = (kernels[phase] ??= phaseKernel(phase / up, reach, design));
    let sum = 0;
    for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * padded[whole + 1 + k]!;
    result[i] = sum;
  }
  return result;
}

/** The weights of the input samples 1 − reach … reach around a position `fraction` of a sample after sample 0. */
function phaseKernel(fraction: number, reach: number, design: SincDesign): Float64Array {
  return normalised(Float64Array.from({ length: 2 * reach }, (_, k) => windowedSinc(k + 1 - reach - fraction, design)));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
