/** A periodic Hann window: w[n] = (1 − cos(2πn/size))/2, which is 1 in its middle and 0 at its first place. */
export function hannWindow(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
}
