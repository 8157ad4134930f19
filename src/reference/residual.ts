/** The end of a residual layer: its output and the running sum of skip connections (Kong et al. 2021, figure 2). */

interface Shape {
  readonly rows: number;
  readonly C: number;
}

/**
 * output = (x + r)/√2 keeps the variance of two independent unit signals at one; skip = skip + s. `projected` is
 * (rows, 2C), r in the first half of a row and s in the second; `skip` is null at the first layer. Both results are
 * (rows, C).
 */
export function residual(
  { input, projected, skip, rows, C }: Shape & {
    readonly input: Float64Array; // (rows, C)
    readonly projected: Float64Array; // (rows, 2C)
    readonly skip: Float64Array | null; // (rows, C)
  },
): { output: Float64Array; skip: Float64Array } {
  const output = new Float64Array(rows * C);
  const sum = skip ? skip.slice() : new Float64Array(rows * C);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < C; c++) {
      output[row * C + c] = (input[row * C + c]! + projected[row * 2 * C + c]!) * Math.SQRT1_2;
      sum[row * C + c]! += projected[row * 2 * C + C + c]!;
    }
  }
  return { output, skip: sum };
}

// y = (x + r)/√2,  k' = k + s  ⇒  dx = dr = dy/√2,  ds = dk = dk'
/**
 * dOutput is null at the last layer, whose output nobody reads. Returns dInput (rows, C) and dProjected (rows, 2C);
 * the gradient of the incoming skip sum is dSkip itself.
 */
export function residualBackward(
  { dOutput, dSkip, rows, C }: Shape & {
    readonly dOutput: Float64Array | null; // (rows, C)
    readonly dSkip: Float64Array; // (rows, C)
  },
): { dInput: Float64Array; dProjected: Float64Array } {
  const dInput = dOutput ? dOutput.map((dy) => dy * Math.SQRT1_2) : new Float64Array(rows * C);
  const dProjected = new Float64Array(rows * 2 * C);
  for (let row = 0; row < rows; row++) {
    dProjected.set(dInput.subarray(row * C, (row + 1) * C), row * 2 * C);
    dProjected.set(dSkip.subarray(row * C, (row + 1) * C), row * 2 * C + C);
  }
  return { dInput, dProjected };
}
