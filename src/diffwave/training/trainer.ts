/** Trains a network step by step: owns the step's program, the optimizer's state and the figures of past steps. */
import { allSettled } from '../../allSettled.ts';
import type { FlatBuffer, Parameters } from '../../autograd/parameters.ts';
import type { Plan } from '../../autograd/plan.ts';
import { planTape } from '../../autograd/plan.ts';
import { Executable } from '../../autograd/executable.ts';
import { building } from '../../building.ts';
import { UserError } from '../../errors.ts';
import type { BufferPool } from '../../gpu/device/buffers.ts';
import { OutOfMemoryError } from '../../gpu/device/buffers.ts';
import type { Values } from '../../gpu/program/dispatch.ts';
import { adamValues } from '../../ops/adam.ts';
import { noiseValues } from '../../ops/noise.ts';
import type { Ranks } from '../../ranks.ts';
import { alone } from '../../ranks.ts';
import { averageDecayAt } from './averaging.ts';
import type { Batch } from './batches.ts';
import type { TrainingConfig } from './config.ts';
import { validateTraining } from './config.ts';
import { learningRateAt } from './learningRate.ts';
import { lossWeights } from './lossWeights.ts';
import type { MemoryPlan } from './memoryPlan.ts';
import { fittingPlans, misfit } from './memoryPlan.ts';
import type { Loss } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import type { UsedPrecision } from './precision.ts';
import { expectedPrecision, usablePrecision } from './precision.ts';
import type { NoiseSchedule } from '../schedule/schedule.ts';
import { scheduleOf } from '../schedule/schedule.ts';
import { SharedStep } from './sharedStep.ts';
import type { Flats, MemoryChoice, Part, Rings } from './step.ts';
import { historyLength, itemsOf, recordStep, writePart } from './step.ts';
import type { Weights } from '../model/contract.ts';

/** What Adam remembers, by parameter name, and how often it has updated. */
export interface OptimizerState {
  /** Updates done; learning rate, random numbers and the average's decay follow from it. */
  readonly step: number;
  readonly m: Weights;
  readonly v: Weights;
  /** Running mean of the weights, if the training has one. */
  readonly average?: Weights;
}

/** Of the last updates, oldest first. */
export interface Figures {
  readonly losses: Float32Array;
  /** Of the gradients, before clipping. */
  readonly norms: Float32Array;
}

export interface TrainerOptions {
  readonly model: Model;
  readonly training: TrainingConfig;
  /** In place of the model's. */
  readonly loss?: Loss;
  /** Samples of a crop. */
  readonly L: number;
  /** Bytes of GPU memory that the run may take; by default what the adapter has. */
  readonly memoryLimit?: number;
  /** Bytes of GPU memory that the caller will want for other things at the same time, with crops of L samples. */
  readonly beside?: (L: number) => number;
  /** Fixes how the step is fitted into memory, for tests and benches; by default the first way that fits. */
  readonly memory?: MemoryChoice;
  /** Who computes the batch's parts together; more than one rank wants `parts` in the training. */
  readonly ranks?: Ranks;
}

interface TrainerParts {
  readonly options: TrainerOptions;
  readonly memory: MemoryPlan;
  readonly executable: Executable;
  readonly parts: readonly Part[];
  readonly flats: Flats;
  readonly rings: Rings;
  readonly schedule: NoiseSchedule;
  readonly used: UsedPrecision;
  readonly shared?: SharedStep;
}

export class Trainer {
  readonly model: Model;
  readonly training: TrainingConfig;
  /** What is computed with; its note says why that is not what the training asks for. */
  readonly used: UsedPrecision;
  /** How the step was fitted into memory, and the bytes that this takes. */
  readonly memory: MemoryPlan;
  /** The step, for whoever wants to time its parts. */
  readonly executable: Executable;
  readonly #parts: readonly Part[];
  readonly #shared: SharedStep | undefined;
  readonly #flats: Flats;
  readonly #rings: Rings;
  readonly #schedule: NoiseSchedule;
  readonly #lossWeights: Float64Array; // by t
  readonly #pool: BufferPool;
  readonly #parameters: Parameters;
  #step = 0;
  #destroyed = false;

  private constructor({ options: { model, training }, ...parts }: TrainerParts) {
    this.model = model;
    this.#pool = model.gpu.buffers; // those of the device it was made on
    this.#parameters = model.parameters;
    this.training = training;
    this.memory = parts.memory;
    this.used = parts.used;
    this.executable = parts.executable;
    this.#parts = parts.parts;
    this.#shared = parts.shared;
    this.#flats = parts.flats;
    this.#rings = parts.rings;
    this.#schedule = parts.schedule;
    this.#lossWeights = lossWeights(parts.schedule, { gamma: training.minSnr, prediction: model.diffusion.prediction });
  }

  /**
   * Plans and builds the step. Throws a `UserError` with the numbers if it does not fit. Where the adapter finds out only
   * while allocating that it has less memory than the plan wants, the next smaller plan is tried.
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { model, training, ranks = alone } = options;
    validateTraining(training, 'training configuration');
    if (training.parts === null && ranks.size > 1) throw new UserError('several ranks need `parts` to share');
    const { gpu } = model;
    const used = await usablePrecision(model, training.precision);
    await gpu.buffers.settle(); // what went wrong before would be taken for a step that does not fit
    const sizes = { ...options, ...recordedOf(options, used), limits: gpu.device.limits };
    gpu.buffers.trim(); // what tuning and self-tests left would count as the run's
    gpu.buffers.restartPeak();
    let shortage: OutOfMemoryError | undefined;
    for (const plan of fittingPlans(sizes)) {
      try {
        return await Trainer.#build(options, plan, used);
      } catch (error) {
        if (!(error instanceof OutOfMemoryError)) throw error;
        shortage = error;
        gpu.buffers.trim();
        gpu.buffers.restartPeak(); // what was not to be had is no part of the run
      }
    }
    throw shortage ?? misfit(sizes);
  }

  static #build(options: TrainerOptions, memory: MemoryPlan, used: UsedPrecision): Promise<Trainer> {
    const { model: { gpu, parameters, diffusion }, training, ranks = alone } = options;
    const { buffers } = gpu;
    return building(async (undo) => {
      const kept = <T extends GPUBuffer | FlatBuffer>(made: T): T => {
        undo(() => buffers.release('buffer' in made ? made.buffer : made));
        return made;
      };
      parameters.holdGradients();
      undo(() => parameters.releaseGradients());
      const schedule = scheduleOf(diffusion);
      const ring = (label: string): GPUBuffer => kept(buffers.acquire(historyLength * 4, label));
      const rings: Rings = { losses: ring('losses'), norms: ring('norms') };
      const flats: Flats = {
        m: kept(parameters.flat('Adam m')),
        v: kept(parameters.flat('Adam v')),
        ...(training.emaDecay > 0 && { average: kept(parameters.copy(parameters.values, 'average')) }),
      };
      const { tape, parts, end } = recordStep({ ...recordedOf(options, used), flats, rings, memory: memory.choice });
      const isShared = training.parts !== null;
      const executable = await Executable.build(gpu, planTape(tape), isShared ? { end } : {});
      undo(() => executable.destroy());
      const shared = isShared ? await SharedStep.build({ gpu, ranks, training, parameters, rings, executable, end }) : undefined;
      return new Trainer({ options, memory, executable, parts, flats, rings, schedule, used, shared });
    });
  }

  /** Updates done so far, those before a resume included. */
  get step(): number {
    return this.#step;
  }

  get plan(): Plan {
    return this.executable.plan;
  }

  /** Running mean of the weights, which is what to sample from, if the training has one. */
  get average(): FlatBuffer | undefined {
    return this.#flats.average;
  }

  /** Whether some rank was asked to stop before the last update, and the seconds that this one has waited for others. */
  get shared(): Pick<SharedStep, 'stop' | 'waited'> {
    return this.#shared ?? { stop: false, waited: 0 };
  }

  /**
   * Queues one update on this batch. Waits only where the training has `parts`, for their gradients to be added on the host. All
   * ranks do so together, and `stop`, the wish of one of them, becomes known to all.
   */
  update(batch: Batch, { stop = false }: { readonly stop?: boolean } = {}): void | Promise<void> {
    const values = this.#values();
    const write = (part: Part): void =>
      writePart(this.executable, part, { batch, schedule: this.#schedule, lossWeights: this.#lossWeights });
    this.model.parameters.valuesChange();
    const [only] = this.#parts;
    if (this.#shared) return this.#shared.run((first) => write({ ...only!, first }), { values, stop }).then(() => void this.#step++);
    for (const part of this.#parts) write(part);
    this.executable.run(values);
    this.#step++;
  }

  /** Queues the gradients of one of the training's `parts`, of the next update, and no more: for who looks for what is wrong in them. */
  computePart(batch: Batch, part: number): void {
    const first = part * itemsOf(this.training);
    writePart(this.executable, { ...this.#parts[0]!, first }, { batch, schedule: this.#schedule, lossWeights: this.#lossWeights });
    this.executable.run({ ...this.#values(), noiseItem: first });
  }

  /** The step uniforms of the next update. */
  #values(): Values {
    return {
      ...noiseValues({ seed: this.training.seed, step: this.#step }),
      ...adamValues({
        ...this.training,
        learningRate: learningRateAt(this.training, this.#step),
        averageDecay: averageDecayAt(this.#step, this.training.emaDecay),
        update: this.#step + 1,
      }),
      historySlot: this.#step % historyLength,
    };
  }

  /** The losses of the last updates, oldest first; at most 4096 are kept. Reads what is queued so far. */
  losses(count: number): Promise<Float32Array> {
    return this.#lastOf(this.#rings.losses, count);
  }

  /** The norms of the last updates' gradients before clipping, in the same way. */
  norms(count: number): Promise<Float32Array> {
    return this.#lastOf(this.#rings.norms, count);
  }

  /** Both, in the same way. */
  async figures(count: number): Promise<Figures> {
    const [losses, norms] = await allSettled([this.losses(count), this.norms(count)]);
    return { losses: losses!, norms: norms! };
  }

  async #lastOf(ring: GPUBuffer, count: number): Promise<Float32Array> {
    const last = this.#step;
    const figures = new Float32Array(await this.model.gpu.read(ring, { offset: 0, size: historyLength * 4 }));
    const known = Math.min(count, historyLength);
    return Float32Array.from({ length: known }, (_, i) => figures[(last - known + i) % historyLength]!);
  }

  async optimizerState(): Promise<OptimizerState> {
    const step = this.#step;
    const { parameters } = this.model;
    const { m, v, average } = this.#flats;
    return { step, m: await parameters.read(m), v: await parameters.read(v), ...(average && { average: await parameters.read(average) }) };
  }

  /**
   * Goes on where a saved state ended, with the figures of the last updates before that, if they are still to be asked
   * for. The model's weights are the caller's business.
   */
  restore(state: OptimizerState, figures?: Figures): void {
    const { m, v, average } = this.#flats;
    if (average && !state.average) throw new TypeError('the training averages its weights, but the state has no average');
    this.model.parameters.write(m, state.m);
    this.model.parameters.write(v, state.v);
    if (average) this.model.parameters.write(average, state.average!);
    this.#step = state.step;
    for (const name of ['losses', 'norms'] as const) {
      const ring = new Float32Array(historyLength);
      figures?.[name].forEach((value, i, { length }) => (ring[(state.step - length + i) % historyLength] = value));
      this.model.gpu.device.queue.writeBuffer(this.#rings[name], 0, ring);
    }
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives all memory back that training took, the gradients', too. The weights stay. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#shared?.destroy();
    this.executable.destroy();
    for (const { buffer } of Object.values(this.#flats)) this.#pool.release(buffer);
    for (const buffer of Object.values(this.#rings)) this.#pool.release(buffer);
    this.#parameters.releaseGradients();
  }
}

/** What the step of a trainer of these options is recorded from, but for its memory. */
export function recordedOf(
  { model, training, L, loss }: Pick<TrainerOptions, 'model' | 'training' | 'L' | 'loss'>,
  { precision, variant }: UsedPrecision = expectedPrecision(model, training.precision),
) {
  const { network, parameters, diffusion: { prediction } } = model;
  return { network, prediction, loss: loss ?? model.lossKind, parameters, variant, training: { ...training, precision }, L };
}
