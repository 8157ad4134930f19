/** A filter of finite impulse response, y[p] = Σ_k taps[k]·n[p + k]: n (L + K − 1), taps (K), the result (L). */
export function fir({ noise, taps }: { readonly noise: Float64Array; readonly taps: Float64Array }): Float64Array {
  const length = noise.length - taps.length + 1;
  return Float64Array.from({ length }, (_, p) => taps.reduce((sum, tap, k) => sum + tap * noise[p + k]!, 0));
}
