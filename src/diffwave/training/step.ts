/**
 * A training step on a tape: noise, forward process, network, loss and gradients, for the whole batch or for parts of it
 * one after the other, then Adam. `trainer.ts` runs it.
 */
import type { Executable } from '../../autograd/executable.ts';
import type { FlatBuffer, ParameterSource } from '../../autograd/parameters.ts';
import type { Precision } from '../../autograd/operation.ts';
import { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import type { VariantSettings } from '../../gpu/device/variant.ts';
import { adam } from '../../ops/adam.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import { diffuseWithTarget } from '../../ops/diffuse.ts';
import { keepFigure } from '../../ops/keepFigure.ts';
import type { LossKind } from '../../ops/loss.ts';
import { loss } from '../../ops/loss.ts';
import { gradientScaleFor } from '../../ops/matrix.ts';
import { noise } from '../../ops/noise.ts';
import { norm } from '../../ops/norm.ts';
import type { Batch } from './batches.ts';
import type { TrainingConfig } from './config.ts';
import type { Conditioning, Loss, LossInputs, Network } from '../model/contract.ts';
import type { NoiseSchedule } from '../schedule/schedule.ts';
import { streams } from '../streams.ts';

/** Losses, and as many norms of the gradient, that stay on the GPU until somebody asks. */
export const historyLength = 4096;

/** How a step is fitted into memory. */
export interface MemoryChoice {
  /** Parts that a batch is worked through in; their gradients add up to the batch's within rounding. */
  readonly microBatches: number;
  /** Whether a layer's activations are computed again for the gradients; changes no bit of the result. */
  readonly recompute: boolean;
}

/** A part of the batch, which the host writes before a run. */
export interface Part {
  /** The batch's items [first, first + count). */
  readonly first: number;
  readonly count: number;
  readonly audio: Tensor; // (count, L) x_0
  readonly t: Tensor; // (count)
  readonly signalLevel: Tensor; // (count) √ᾱ_t
  readonly noiseLevel: Tensor; // (count) √(1−ᾱ_t)
  readonly lossWeight?: Tensor; // (count)
  readonly condition?: Tensor; // (count, …)
}

/** Flat buffers beside weights and gradients. */
export interface Flats {
  readonly m: FlatBuffer;
  readonly v: FlatBuffer;
  readonly average?: FlatBuffer;
}

/** Rings of figures, one of every step. */
export interface Rings {
  readonly losses: GPUBuffer;
  readonly norms: GPUBuffer;
}

export interface StepOptions {
  readonly network: Network;
  readonly prediction: Prediction;
  /** A loss of one's own, or one of ours. */
  readonly loss: Loss | LossKind;
  readonly parameters: ParameterSource;
  readonly variant: VariantSettings;
  readonly training: TrainingConfig;
  /** Samples of a crop. */
  readonly L: number;
  readonly flats: Flats;
  readonly rings: Rings;
  readonly memory: MemoryChoice;
}

export interface RecordedStep {
  readonly tape: Tape;
  readonly parts: readonly Part[];
  /** Place among the operations where the last part's gradients begin: what is alive there are its activations. */
  readonly turn: number;
  /** Place among the operations where the gradients are there and the update begins. */
  readonly end: number;
}

/**
 * Items of the batch that a step's program works through: the whole batch, or where its gradients are added on the host (`parts`)
 * one part of it, which is then run once for every part.
 */
export function itemsOf({ batchSize, parts }: Pick<TrainingConfig, 'batchSize' | 'parts'>): number {
  return batchSize / (parts ?? 1);
}

/** Cuts B items into `count` parts as equal as can be. */
export function partsOf(B: number, count: number): { readonly first: number; readonly count: number }[] {
  const start = (part: number): number => Math.ceil((part * B) / count);
  return Array.from({ length: count }, (_, part) => ({ first: start(part), count: start(part + 1) - start(part) }));
}

/** How activations are stored: with f16 matrices as these take them anyway. */
export function storedIn(precision: TrainingConfig['precision'], { matrix }: Pick<VariantSettings, 'matrix'>): Precision {
  if (precision !== 'matrix') return precision;
  return matrix?.component === 'f16' ? 'mixed' : 'float32';
}

/** The whole step: every part forward and backward, then the update of all parameters. */
export function recordStep(options: StepOptions): RecordedStep {
  const { network, prediction, parameters, training, variant, flats: { m, v, average }, rings, memory } = options;
  const tape = new Tape({
    parameters, variant, precision: storedIn(training.precision, variant), keeps: memory.recompute ? 'layerInputs' : 'activations',
    gradientScale: gradientScaleFor(training.batchSize * options.L),
  });
  const ring = (name: keyof Rings): Tensor => {
    const size = historyLength * 4;
    return tape.external(name, [historyLength], { buffer: rings[name], offset: 0, size });
  };
  const losses = ring('losses');
  let turn = 0;
  const parts = partsOf(itemsOf(training), memory.microBatches).map(({ first, count }): Part => {
    const part = inputsOf(tape, { first, count, L: options.L, weighted: training.minSnr !== null, conditioning: network.conditioning });
    const epsilon = noise(tape, { B: count, L: options.L, stream: streams.trainingNoise, firstItem: first });
    const { noisy, wanted } = diffuseWithTarget(tape, { ...part, noise: epsilon, prediction });
    const predicted = network.record(tape, { noisy, t: part.t, condition: part.condition });
    const inputs = { predicted, wanted, weight: part.lossWeight, of: training.batchSize * options.L };
    const share = recordLoss(tape, options.loss, inputs, { history: losses, later: first > 0 });
    turn = tape.operations.length;
    tape.backward(share);
    return part;
  });

  const end = tape.operations.length;
  const flat = (name: string, { buffer, size }: FlatBuffer): Tensor =>
    tape.external(name, [size / 4], { buffer, offset: 0, size });
  const gradient = flat('gradients', parameters.gradients);
  const size = norm(tape, gradient, { history: ring('norms') });
  adam(tape, {
    ...training,
    value: flat('parameters', parameters.values),
    gradient,
    m: flat('Adam m', m),
    v: flat('Adam v', v),
    average: average && flat('average', average),
    clip: training.clipNorm === null ? undefined : { norm: size, max: training.clipNorm },
  });
  return { tape, parts, turn, end };
}

/** Writes the inputs of a part: its items of the batch, with the levels and weights of their t. */
export function writePart(executable: Executable, { first, count, audio, t, signalLevel, noiseLevel, lossWeight, condition }: Part, from: {
  readonly batch: Batch; readonly schedule: NoiseSchedule; readonly lossWeights: Float64Array;
}): void {
  const { batch, schedule, lossWeights } = from;
  const L = batch.audio.length / batch.t.length;
  const steps = batch.t.slice(first, first + count);
  const at = (values: Float64Array): Float32Array<ArrayBuffer> => Float32Array.from(steps, (step) => values[step]!);
  executable.write(audio, batch.audio.subarray(first * L, (first + count) * L));
  executable.write(t, Float32Array.from(steps));
  executable.write(signalLevel, at(schedule.sqrtAlphaBar));
  executable.write(noiseLevel, at(schedule.sqrtOneMinusAlphaBar));
  if (lossWeight) executable.write(lossWeight, at(lossWeights));
  const told = batch.condition && batch.condition.length / batch.t.length; // numbers of an item
  if (condition) executable.write(condition, batch.condition!.subarray(first * told!, (first + count) * told!));
}

/** The loss of a part, kept among those of the other steps. */
function recordLoss(tape: Tape, own: Loss | LossKind, inputs: LossInputs, keep: { history: Tensor; later: boolean }): Tensor {
  if (typeof own === 'string') return loss(tape, { ...inputs, ...keep, kind: own });
  const share = own(tape, inputs);
  if (share.length !== 1) throw new TypeError(`a loss must be a single number, got ${share}`);
  keepFigure(tape, share, keep);
  return share;
}

function inputsOf(tape: Tape, { first, count, L, weighted, conditioning }: {
  first: number; count: number; L: number; weighted: boolean; conditioning: Conditioning | undefined;
}): Part {
  return {
    first,
    count,
    audio: tape.input('audio', [count, L]),
    t: tape.input('t', [count]),
    signalLevel: tape.input('signalLevel', [count]),
    noiseLevel: tape.input('noiseLevel', [count]),
    ...(weighted && { lossWeight: tape.input('lossWeight', [count]) }),
    ...(conditioning && { condition: tape.input('condition', [count, ...conditioning.shape(L)]) }),
  };
}
