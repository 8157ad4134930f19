/**
 * Fits a training step into memory before any of its own is allocated (the weights are there already, and count): predicts
 * the bytes of every way in which the step can be worked through, and takes the one that is probably fastest of those that
 * fit.
 */
import type { ParameterSource, Parameters } from '../../autograd/parameters.ts';
import type { Plan } from '../../autograd/plan.ts';
import { checkPlan, heldAt, planTape } from '../../autograd/plan.ts';
import { UserError } from '../../errors.ts';
import { formatBytes } from '../../gpu/device/buffers.ts';
import type { VariantSettings } from '../../gpu/device/variant.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import type { LossKind } from '../../ops/loss.ts';
import type { Loss, Network } from '../model/contract.ts';
import type { TrainingConfig } from './config.ts';
import type { MemoryChoice } from './step.ts';
import { historyLength, itemsOf, recordStep } from './step.ts';

/** Bytes of GPU memory that a training run holds at the highest. */
export interface MemoryForecast {
  /** The weights. */
  readonly parameters: number;
  /** Gradients, Adam's moments, the running mean of the weights. */
  readonly optimizer: number;
  /** What the forward pass leaves for the gradients. */
  readonly activations: number;
  /** Whatever else the step's program needs: gradients of activations, partial sums, packed weights, inputs, uniforms. */
  readonly workspace: number;
  /** Beside the step: reading back for checkpoints, and what the caller said it needs. */
  readonly beside: number;
  readonly total: number;
}

export interface MemoryPlan {
  readonly choice: MemoryChoice;
  readonly forecast: MemoryForecast;
}

export interface MemoryOptions {
  readonly network: Network;
  readonly prediction: Prediction;
  /** A loss of one's own, or one of ours. */
  readonly loss: Loss | LossKind;
  readonly parameters: Parameters;
  readonly variant: VariantSettings;
  readonly training: TrainingConfig;
  /** Samples of a crop. */
  readonly L: number;
  readonly limits: { readonly maxStorageBufferBindingSize: number };
  /** Bytes that the run may take in all; WebGPU does not tell how many there are. */
  readonly memoryLimit?: number;
  /** Bytes that the caller will allocate for other things while crops have L samples: validation, samples on the way. */
  readonly beside?: (L: number) => number;
  /** The only choice there is, for tests and benches. */
  readonly memory?: MemoryChoice;
}

/** Part of a step's arithmetic that `recompute` does once more, where the network does not say: the first of three passes. */
const usualRecomputedShare = 1 / 3;

/** Rows at which half of the time is arithmetic; fewer leave a GPU partly idle. An estimate, not measured on a GPU. */
const halfBusyRows = 4096;

/**
 * The ways in which a step can be worked through, the one that is probably fastest first: the whole batch, parts of it,
 * recomputing, and both.
 */
export function choicesFor(
  { recomputedShare = usualRecomputedShare }: Pick<Network, 'recomputedShare'>, { B, L }: { B: number; L: number },
): MemoryChoice[] {
  const counts = [...new Set([...Array.from({ length: 31 }, (_, i) => 2 ** i).filter((count) => count < B), B])];
  const cost = ({ microBatches, recompute }: MemoryChoice): number =>
    (1 + (recompute ? recomputedShare : 0)) * (1 + halfBusyRows / ((L * B) / microBatches));
  return [false, true]
    .flatMap((recompute) => counts.map((microBatches): MemoryChoice => ({ microBatches, recompute })))
    .sort((a, b) => cost(a) - cost(b));
}

/**
 * The choices that a training has. Where its batch is cut into `parts` already, these stay whole: smaller ones would add up to
 * other bits on a rank with less memory.
 */
function choicesOf({ network, training, L }: Pick<MemoryOptions, 'network' | 'training' | 'L'>): MemoryChoice[] {
  const choices = choicesFor(network, { B: itemsOf(training), L });
  return training.parts === null ? choices : choices.filter(({ microBatches }) => microBatches === 1);
}

/** What a step planned in this way holds in memory. */
export function forecastOf(plan: Plan, options: MemoryOptions & { turn: number }): MemoryForecast {
  const { parameters: { size }, training, L, beside, turn } = options;
  const rings = 2 * historyLength * 4;
  const lossOfPart = training.parts === null ? 0 : 4; // is read while its gradients are
  const optimizer = size * (training.emaDecay > 0 ? 4 : 3);
  const activations = heldAt(plan, turn);
  const readBack = size; // a checkpoint is read one flat buffer after the other
  const parts = {
    parameters: size,
    optimizer,
    activations,
    workspace: plan.bytes - activations + rings,
    beside: readBack + lossOfPart + (beside?.(L) ?? 0),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}

/** The plan for one choice, or why it does not fit. */
function planFor(options: MemoryOptions, choice: MemoryChoice): { forecast: MemoryForecast; problem?: string } {
  const { tape, turn } = recordStep({ ...options, ...placeholders(options), memory: choice });
  const plan = planTape(tape);
  const forecast = forecastOf(plan, { ...options, turn });
  const { memoryLimit = Infinity } = options;
  try {
    checkPlan(plan, options.limits, '');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { forecast, problem: error.message.replace(/: $/, '') };
  }
  if (forecast.total <= memoryLimit) return { forecast };
  return { forecast, problem: `${formatBytes(forecast.total)} of GPU memory are needed, and ${formatBytes(memoryLimit)} may be used` };
}

/** Buffers that are not there yet, the gradients' among them: a plan knows their sizes alone. */
function placeholders({ parameters: real, training }: MemoryOptions) {
  const buffer = {} as GPUBuffer;
  const flat = { buffer, size: real.size };
  const parameters: ParameterSource = {
    values: real.values,
    gradients: flat,
    value: (name) => real.value(name),
    gradient: (name) => real.range(flat, name),
  };
  const flats = { m: flat, v: flat, ...(training.emaDecay > 0 && { average: flat }) };
  return { parameters, flats, rings: { losses: buffer, norms: buffer } };
}

/** The choices that fit, the one that is probably fastest first, planned one by one as they are asked for. */
export function* fittingPlans(options: MemoryOptions): Generator<MemoryPlan> {
  for (const choice of options.memory ? [options.memory] : choicesOf(options)) {
    const { forecast, problem } = planFor(options, choice);
    if (problem === undefined) yield { choice, forecast };
  }
}

/**
 * The longest crop, at most L, that fits in some way. Throws a `UserError` with the numbers if none does.
 */
export function fitCrop(options: MemoryOptions): number {
  for (const _ of fittingPlans(options)) return options.L;
  const longest = longestCrop(options);
  if (longest === undefined) throw misfit(options);
  return longest;
}

/** Why no choice fits, and what would. */
export function misfit(options: MemoryOptions): UserError {
  const least = options.memory ?? leastMemory(options);
  const { problem } = planFor(options, least);
  const longest = longestCrop(options);
  const remedy = longest === undefined
    ? 'use a smaller network'
    : `use shorter crops (\`cropSamples\`, at most ${longest})`;
  const limited = options.memoryLimit === undefined ? '' : ' or a larger `memoryLimit`';
  const alone = options.training.parts === null ? 'one clip at a time' : 'one part of the batch at a time';
  const what = options.memory ? 'the training step' : `even ${alone} with recomputed activations`;
  return new UserError(`${what} does not fit: ${problem}: ${remedy}${limited}`);
}

/** The choice for which memory matters more than anything else. */
function leastMemory({ training }: MemoryOptions): MemoryChoice {
  return { microBatches: training.parts === null ? training.batchSize : 1, recompute: true };
}

/**
 * The longest crop, at most L, that fits one clip at a time with recomputed activations, or by the only choice there is;
 * undefined if not one sample, or frame, does.
 */
export function longestCrop(options: MemoryOptions): number | undefined {
  const least = options.memory ?? leastMemory(options);
  const fits = (L: number): boolean => planFor({ ...options, L }, least).problem === undefined;
  if (fits(options.L)) return options.L;
  const unit = options.network.conditioning?.alignment ?? 1; // whole frames, of a network that is told them
  if (!fits(unit)) return undefined;
  let [low, high] = [1, Math.ceil(options.L / unit)]; // low fits, high does not
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle * unit)) low = middle;
    else high = middle;
  }
  return low * unit;
}
