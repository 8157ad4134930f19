/** The gated activation of WaveNet (van den Oord et al. 2016, eq. 2). */
import { sigmoid } from './silu.ts';

interface Gate {
  readonly input: Float64Array; // (rows, 2C): first half gate, second half filter
  readonly rows: number;
  readonly C: number;
}

/** output = σ(gate) · tanh(filter), (rows, C). */
export function gate({ input, rows, C }: Gate): Float64Array {
  const output = new Float64Array(rows * C);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < C; c++) {
      output[row * C + c] = sigmoid(input[row * 2 * C + c]!) * Math.tanh(input[row * 2 * C + C + c]!);
    }
  }
  return output;
}

// y = σ(g)·tanh(f)  ⇒  dg = dy·tanh(f)·σ(g)·(1 − σ(g)),  df = dy·σ(g)·(1 − tanh²f)
/** dOutput is (rows, C); returns dInput (rows, 2C). */
export function gateBackward({ input, dOutput, rows, C }: Gate & { readonly dOutput: Float64Array }): Float64Array {
  const dInput = new Float64Array(rows * 2 * C);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < C; c++) {
      const s = sigmoid(input[row * 2 * C + c]!);
      const h = Math.tanh(input[row * 2 * C + C + c]!);
      const dy = dOutput[row * C + c];
      dInput[row * 2 * C + c] = dy! * h * s * (1 - s);
      dInput[row * 2 * C + C + c] = dy! * s * (1 - h * h);
    }
  }
  return dInput;
}
