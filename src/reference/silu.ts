/** The logistic function 1 / (1 + e^−x). */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** x·σ(x), element by element (Elfwing et al. 2018; also called swish). */
export function silu(x: Float64Array): Float64Array {
  return x.map((value) => value * sigmoid(value));
}

// y = x·σ(x)  ⇒  dx = dy·σ(x)·(1 + x·(1 − σ(x)))
/** input and dOutput have one shape, which is the result's. */
export function siluBackward({ input, dOutput }: { input: Float64Array; dOutput: Float64Array }): Float64Array {
  return dOutput.map((dy, i) => {
    const s = sigmoid(input[i]!);
    return dy * s * (1 + input[i]! * (1 - s));
  });
}
