/** Dilated "same" convolution over time; K = 1 is the 1×1 convolution. */

interface Conv1d {
  readonly input: Float64Array; // (B, L, Cin)
  readonly weight: Float64Array; // (K, Cin, Cout)
  readonly bias: Float64Array | null; // (Cout)
  readonly B: number;
  readonly L: number;
  readonly Cin: number;
  readonly Cout: number;
  readonly K: number; // odd, so that there is a middle tap
  readonly D: number;
}

/** output[t] = bias + Σ_k input[t + (k − (K−1)/2)·D] · weight[k], with zeros outside [0, L). Returns (B, L, Cout). */
export function conv1d({ input, weight, bias, B, L, Cin, Cout, K, D }: Conv1d): Float64Array {
  const output = new Float64Array(B * L * Cout);
  for (let row = 0; row < B * L; row++) {
    if (bias) output.set(bias, row * Cout);
  }
  forEachTap({ B, L, K, D }, ({ from, to, k }) => {
    for (let i = 0; i < Cin; i++) {
      const x = input[from * Cin + i];
      for (let o = 0; o < Cout; o++) output[to * Cout + o]! += x! * weight[(k * Cin + i) * Cout + o]!;
    }
  });
  return output;
}

// y[t] = bias + Σ_k x[t + offset_k] · W[k]
//   ⇒  dx[t + offset_k] += dy[t] · W[k]ᵀ,  dW[k] = Σ_t x[t + offset_k]ᵀ · dy[t],  dbias = Σ_t dy[t]
/** dOutput is (B, L, Cout); the results have the shapes of what they are gradients of. */
export function conv1dBackward(
  { input, weight, dOutput, B, L, Cin, Cout, K, D }: Conv1d & { readonly dOutput: Float64Array },
): { dInput: Float64Array; dWeight: Float64Array; dBias: Float64Array } {
  const dInput = new Float64Array(B * L * Cin);
  const dWeight = new Float64Array(K * Cin * Cout);
  const dBias = new Float64Array(Cout);
  for (let at = 0; at < B * L * Cout; at++) dBias[at % Cout]! += dOutput[at]!;
  forEachTap({ B, L, K, D }, ({ from, to, k }) => {
    for (let i = 0; i < Cin; i++) {
      const x = input[from * Cin + i];
      let sum = 0;
      for (let o = 0; o < Cout; o++) {
        const dy = dOutput[to * Cout + o];
        sum += dy! * weight[(k * Cin + i) * Cout + o]!;
        dWeight[(k * Cin + i) * Cout + o]! += x! * dy!;
      }
      dInput[from * Cin + i]! += sum;
    }
  });
  return { dInput, dWeight, dBias };
}

/** Visits every (row read, row written, tap) of a "same" convolution that does not read the padding. */
function forEachTap(
  { B, L, K, D }: Pick<Conv1d, 'B' | 'L' | 'K' | 'D'>,
  visit: (tap: { from: number; to: number; k: number }) => void,
): void {
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < L; t++) {
      for (let k = 0; k < K; k++) {
        const read = t + (k - (K - 1) / 2) * D;
        if (read >= 0 && read < L) visit({ from: b * L + read, to: b * L + t, k });
      }
    }
  }
}
