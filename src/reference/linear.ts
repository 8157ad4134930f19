/** A fully connected layer on rows. */
import { conv1d, conv1dBackward } from './conv1d.ts';

interface Linear {
  readonly input: Float64Array; // (B, Cin)
  readonly weight: Float64Array; // (Cin, Cout)
  readonly bias: Float64Array | null; // (Cout)
  readonly B: number;
  readonly Cin: number;
  readonly Cout: number;
}

// A row is a clip of one sample, so that the 1×1 convolution is the same sum.
const ONE_SAMPLE = { L: 1, K: 1, D: 1 };

/** output = input · weight + bias, (B, Cout). */
export function linear(layer: Linear): Float64Array {
  return conv1d({ ...layer, ...ONE_SAMPLE });
}

// y = x·W + bias  ⇒  dx = dy·Wᵀ,  dW = xᵀ·dy,  dbias = Σ_rows dy
/** dOutput is (B, Cout); the results have the shapes of what they are gradients of. */
export function linearBackward(
  layer: Linear & { readonly dOutput: Float64Array },
): { dInput: Float64Array; dWeight: Float64Array; dBias: Float64Array } {
  return conv1dBackward({ ...layer, ...ONE_SAMPLE });
}
