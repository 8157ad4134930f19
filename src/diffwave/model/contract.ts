/**
 * What training, sampling and validation ask of a model, so that a network or a loss of one's own can take the place of
 * DiffWave's: `diffWaveNetwork` of `network.ts`, and the mean of squares or of absolute values.
 */
import type { ParameterSpec } from '../../autograd/parameters.ts';
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import type { ClipSource } from '../data/clips.ts';

/** Values by parameter name, in the shapes that the kernels see. */
export type Weights = Map<string, Float32Array<ArrayBuffer>>;

/** What a network is told of a clip besides x_t and t: numbers for every item of a batch. */
export interface Conditioning {
  /** Shape of an item's numbers where it has L samples. */
  shape(L: number): readonly number[];
  /** Crops begin at multiples of so many samples, and have a multiple of it. */
  readonly alignment: number;
  /** The numbers of the samples [start, start + L) of clip i, which the network gets `gain` times. Throws a `UserError` where the clips cannot say. */
  numbers(clips: ClipSource, crop: { readonly clip: number; readonly start: number; readonly L: number; readonly gain?: number }): Float32Array<ArrayBuffer>;
  /** Those that say nothing, where the network is taught without as well: what guidance goes away from. */
  readonly nothing?: Float32Array<ArrayBuffer>;
  /** They go along with the clip from its start to its end, so that it cannot be a loop, and nothing can lie between them. */
  readonly alongTime?: boolean;
}

/** What a network is recorded from. */
export interface NetworkInput {
  readonly noisy: Tensor; // (B, L) x_t
  readonly t: Tensor; // (B), counted from 0, and perhaps a fraction
  /** What it is told: (B, …) in the shape of its `conditioning`, or a row for each of `places`. */
  readonly condition?: Tensor;
  /** Samples of the clip (F), ascending, at which the rows hold; between them the network is told a mixture. */
  readonly places?: Tensor;
  /** Samples of the clip that x_t is a window of, which begins at `windowStart`; L where it is the clip. */
  readonly clipSamples?: number;
}

/** What sampling tells a network: see `labelsTold` of `labels.ts`. */
export interface Told {
  /** The numbers for an item, the same for all of them; with `places` a row for each of these. */
  readonly numbers: Float32Array<ArrayBuffer>;
  /** Samples of the clip, ascending, at which the rows hold; between them mixed linearly, beyond them the first and the last. */
  readonly places?: readonly number[];
  /** w of ε = ε_none + w·(ε_told − ε_none) (Ho and Salimans 2022); 1, which asks the network once, by default. */
  readonly guidance?: number;
}

export interface Network {
  /** Its parameters; `tape.parameter(name)` is one of them on a tape. */
  readonly specs: readonly ParameterSpec[];
  /** Samples of x_t that one sample of the output depends on: an odd number, half of the rest on either side. */
  readonly receptiveField: number;
  /** Values that training begins with, a function of the seed. */
  initial(seed: number): Weights;
  /** What it is told besides x_t and t; nothing where it is left out. */
  readonly conditioning?: Conditioning;
  /**
   * Records the network: noisy x_t (B, L) and t (B) become the prediction (B, L) of ε or v. Called with the same sizes it must record the same operations. Beyond its ends a clip is silence.
   */
  record(tape: Tape, input: NetworkInput): Tensor;
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
