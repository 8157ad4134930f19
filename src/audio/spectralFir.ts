/** Filters of finite impulse response for a gain that is known over frequency. */
import { realFft } from './fft.ts';

/**
 * The linear-phase filter whose gain at frequency k/N, in cycles per sample, is `gain[k]` for k = 0 … N/2: design by
 * frequency sampling (Oppenheim and Schafer, "Discrete-Time Signal Processing", on designs by the DFT). The gain of a
 * filter that is symmetric about its centre is real, Σ_n h[n]·cos(2πfn); of N + 1 taps with
 *
 *   h[n] = h[−n] = (1/N)·Σ_{k=0}^{N−1} gain[k]·cos(2πkn/N),   n = 0 … N/2,   gain[N − k] = gain[k],   h[±N/2] halved,
 *
 * it takes the wanted values at all N frequencies. In between it is the trigonometric polynomial through them.
 *
 * @param gain (N/2 + 1), N a power of two
 * @returns (N + 1) taps, the centre at N/2
 * @throws RangeError when N is no power of two
 */
export function spectralFir(gain: ArrayLike<number>): Float64Array {
  const half = gain.length - 1;
  const size = 2 * half;
  const { re } = realFft(size)(Float64Array.from({ length: size }, (_, k) => gain[Math.min(k, size - k)]!));
  const tap = (n: number): number => (re[n]! / size) * (n === half ? 0.5 : 1);
  return Float64Array.from({ length: size + 1 }, (_, i) => tap(Math.abs(i - half)));
}
