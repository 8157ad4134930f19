/** The logistic function 1 / (1 + e^−x). */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** x·σ(x), element by element (Elfwing et al. 2018; also called swish). */
export function silu(x: Float64Array): Float64Array {
  return x.map((value) => value * sigmoid(value));
}

/** Its derivative, σ(x)·(1 + x·(1 − σ(x))). */
export const siluSlope = (x: number): number => sigmoid(x) * (1 + x * (1 - sigmoid(x)));

/** input and dOutput have one shape, which is the result's. */
export function siluBackward({ input, dOutput }: { input: Float64Array; dOutput: Float64Array }): Float64Array {
  return dOutput.map((dy, i) => dy * siluSlope(input[i]!));
}
