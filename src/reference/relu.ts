/** max(x, 0), element by element; NaN stays NaN. */
export function relu(x: Float64Array): Float64Array {
  return x.map((value) => Math.max(value, 0));
}

// y = max(x, 0)  ⇒  dx = dy where x > 0, else 0 (at 0 too, as PyTorch has it)
/** input and dOutput have one shape, which is the result's. */
export function reluBackward({ input, dOutput }: { input: Float64Array; dOutput: Float64Array }): Float64Array {
  return dOutput.map((dy, i) => (input[i]! > 0 ? dy : 0));
}
