/**
 * What training, sampling and validation ask of a model, so that a network or a loss of one's own can take the place of
 * DiffWave's: `diffWaveNetwork` of `network.ts`, and the mean of squares or of absolute values.
 */
import type { ParameterSpec } from '../../autograd/parameters.ts';
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';

/** Values by parameter name, in the shapes that the kernels see. */
export type Weights = Map<string, Float32Array<ArrayBuffer>>;

export interface Network {
  /** Its parameters; `tape.parameter(name)` is one of them on a tape. */
  readonly specs: readonly ParameterSpec[];
  /** Samples of x_t that one sample of the output depends on: an odd number, half of the rest on either side. */
  readonly receptiveField: number;
  /** Values that training begins with, a function of the seed. */
  initial(seed: number): Weights;
  /**
   * Records the network: noisy x_t (B, L) and t (B), counted from 0 and perhaps a fraction, become the prediction (B, L) of ε
   * or v. Called with the same sizes it must record the same operations. Beyond its ends a clip is silence.
   */
  record(tape: Tape, input: { readonly noisy: Tensor; readonly t: Tensor }): Tensor;
  /** Numbers that its widest activation has for a sample; found by recording where it is not said. */
  readonly width?: number;
  /** Why it cannot store activations as f16, if so (`tape.precision` is 'mixed' where it should). */
  refusesMixed?(): string | undefined;
  /** Share of a training step's arithmetic that is done once more where activations are recomputed; a third if not said. */
  readonly recomputedShare?: number;
}

export interface LossInputs {
  readonly predicted: Tensor; // (B, L)
  readonly wanted: Tensor; // (B, L)
  /** Of every item (B), where the training weighs them: see `lossWeights`. */
  readonly weight?: Tensor;
  /** Elements of the whole batch, of which this may be a part: the parts' losses are added up. */
  readonly of: number;
}

/** Records a loss: the result is one number, (1), with a gradient in `predicted`. */
export type Loss = (tape: Tape, inputs: LossInputs) => Tensor;
