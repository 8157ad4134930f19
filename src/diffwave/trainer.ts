/** One training step as a program: noise, forward process, network, loss, gradients, Adam, in one submit. */
import type { FlatBuffer } from '../autograd/parameters.ts';
import type { Plan } from '../autograd/plan.ts';
import { checkPlan, planTape } from '../autograd/plan.ts';
import { Executable } from '../autograd/executable.ts';
import { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { adam, adamValues } from '../ops/adam.ts';
import { diffuse } from '../ops/diffuse.ts';
import { loss, recordHistory } from '../ops/loss.ts';
import { noise, noiseValues } from '../ops/noise.ts';
import { norm } from '../ops/norm.ts';
import { averageDecayAt } from './averaging.ts';
import type { Batch } from './batches.ts';
import type { TrainingConfig } from './config.ts';
import { validateTraining } from './config.ts';
import { learningRateAt } from './learningRate.ts';
import { lossWeights } from './lossWeights.ts';
import type { DiffWave } from './model.ts';
import { network } from './network.ts';
import { checkMixedPrecision } from './precision.ts';
import type { NoiseSchedule } from './schedule.ts';
import { noiseSchedule } from './schedule.ts';
import { streams } from './streams.ts';
import type { Weights } from './weights.ts';

/** Losses that stay on the GPU until somebody asks. */
const historyLength = 4096;

interface Inputs {
  readonly audio: Tensor; // (B, L) x_0
  readonly t: Tensor; // (B)
  readonly signalLevel: Tensor; // (B) √ᾱ_t
  readonly noiseLevel: Tensor; // (B) √(1−ᾱ_t)
  readonly lossWeight?: Tensor; // (B)
}

/** Flat buffers beside weights and gradients. */
interface Flats {
  readonly m: FlatBuffer;
  readonly v: FlatBuffer;
  readonly average?: FlatBuffer;
}

/** What Adam remembers, by parameter name, and how often it has updated. */
export interface OptimizerState {
  /** Updates done; learning rate, random numbers and the average's decay follow from it. */
  readonly step: number;
  readonly m: Weights;
  readonly v: Weights;
  /** Running mean of the weights, if the training has one. */
  readonly average?: Weights;
}

export class Trainer {
  readonly model: DiffWave;
  readonly training: TrainingConfig;
  /** The step, for whoever wants to time its parts. */
  readonly executable: Executable;
  readonly #inputs: Inputs;
  readonly #flats: Flats;
  readonly #history: GPUBuffer;
  readonly #schedule: NoiseSchedule;
  readonly #lossWeights: Float64Array; // by t
  #step = 0;

  private constructor(parts: {
    model: DiffWave; training: TrainingConfig; executable: Executable; inputs: Inputs;
    flats: Flats; history: GPUBuffer; schedule: NoiseSchedule;
  }) {
    this.model = parts.model;
    this.training = parts.training;
    this.executable = parts.executable;
    this.#inputs = parts.inputs;
    this.#flats = parts.flats;
    this.#history = parts.history;
    this.#schedule = parts.schedule;
    this.#lossWeights = lossWeights(parts.schedule, parts.training.minSnr);
  }

  /** Plans and builds the step for crops of L samples. Throws a `UserError` with the numbers if it does not fit. */
  static async create(options: { model: DiffWave; training: TrainingConfig; L: number }): Promise<Trainer> {
    const { model, training, L } = options;
    validateTraining(training, 'training configuration');
    const { gpu, config, parameters } = model;
    if (training.precision === 'mixed') await checkMixedPrecision(gpu, config);
    const { diffusionSteps: steps, betaStart, betaEnd } = config;
    const schedule = noiseSchedule({ steps, betaStart, betaEnd });
    const averages = training.emaDecay > 0;
    const flats: Flats = {
      m: parameters.flat('Adam m'),
      v: parameters.flat('Adam v'),
      ...(averages && { average: parameters.copy(parameters.values, 'average') }),
    };
    const history = gpu.buffers.acquire(historyLength * 4, 'losses');
    try {
      const { tape, inputs } = recordStep({ model, training, L, flats, history });
      const plan = planTape(tape);
      const { maxStorageBufferBindingSize: limit } = gpu.device.limits;
      const longest = Math.floor(limit / (training.batchSize * 2 * config.channels * 4));
      checkPlan(plan, gpu.device.limits,
        `use shorter crops (--crop-samples, at most ${longest} at batch ${training.batchSize}) or a smaller --batch-size`);
      const executable = await Executable.build(gpu, plan);
      return new Trainer({ model, training, executable, inputs, flats, history, schedule });
    } catch (error) {
      release(model, flats, history);
      throw error;
    }
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

  /** Bytes of weights, gradients, Adam's moments and the average. */
  get optimizerBytes(): number {
    return this.model.parameters.size * (2 + Object.keys(this.#flats).length);
  }

  /** Queues one update on this batch; does not wait. */
  update(batch: Batch): void {
    const { audio, t, signalLevel, noiseLevel, lossWeight } = this.#inputs;
    const { sqrtAlphaBar, sqrtOneMinusAlphaBar } = this.#schedule;
    this.executable.write(audio, batch.audio);
    this.executable.write(t, Float32Array.from(batch.t));
    this.executable.write(signalLevel, Float32Array.from(batch.t, (step) => sqrtAlphaBar[step]!));
    this.executable.write(noiseLevel, Float32Array.from(batch.t, (step) => sqrtOneMinusAlphaBar[step]!));
    if (lossWeight) this.executable.write(lossWeight, Float32Array.from(batch.t, (step) => this.#lossWeights[step]!));
    this.executable.run({
      ...noiseValues({ seed: this.training.seed, step: this.#step }),
      ...adamValues({
        ...this.training,
        learningRate: learningRateAt(this.training, this.#step),
        averageDecay: averageDecayAt(this.#step, this.training.emaDecay),
        update: this.#step + 1,
      }),
      historySlot: this.#step % historyLength,
    });
    this.#step++;
  }

  /** The losses of the last updates, oldest first; at most 4096 are kept. Reads what is queued so far. */
  async losses(count: number): Promise<Float32Array> {
    const last = this.#step;
    const ring = new Float32Array(await this.model.gpu.read(this.#history, { offset: 0, size: historyLength * 4 }));
    const known = Math.min(count, historyLength);
    return Float32Array.from({ length: known }, (_, i) => ring[(last - known + i) % historyLength]!);
  }

  async optimizerState(): Promise<OptimizerState> {
    const step = this.#step;
    const { parameters } = this.model;
    const { m, v, average } = this.#flats;
    return {
      step,
      m: await parameters.read(m),
      v: await parameters.read(v),
      ...(average && { average: await parameters.read(average) }),
    };
  }

  /**
   * Goes on where a saved state ended, with the losses of the last updates before that, oldest first, if they are still
   * to be asked for. The model's weights are the caller's business.
   */
  restore(state: OptimizerState, { losses = new Float32Array() }: { losses?: Float32Array } = {}): void {
    const { m, v, average } = this.#flats;
    if (average && !state.average) throw new TypeError('the training averages its weights, but the state has no average');
    this.model.parameters.write(m, state.m);
    this.model.parameters.write(v, state.v);
    if (average) this.model.parameters.write(average, state.average!);
    this.#step = state.step;
    const ring = new Float32Array(historyLength);
    losses.forEach((value, i) => (ring[(state.step - losses.length + i) % historyLength] = value));
    this.model.gpu.device.queue.writeBuffer(this.#history, 0, ring);
  }

  destroy(): void {
    this.executable.destroy();
    release(this.model, this.#flats, this.#history);
  }
}

function release({ gpu }: DiffWave, flats: Flats, history: GPUBuffer): void {
  for (const { buffer } of Object.values(flats)) gpu.buffers.release(buffer);
  gpu.buffers.release(history);
}

/** The whole step on a tape: noise, x_t, prediction, loss, gradients, Adam. */
function recordStep(options: {
  model: DiffWave; training: TrainingConfig; L: number; flats: Flats; history: GPUBuffer;
}): { tape: Tape; inputs: Inputs } {
  const { model: { gpu, config, parameters }, training, L, flats: { m, v, average }, history } = options;
  const B = training.batchSize;
  const tape = new Tape({ parameters, variant: gpu.variant, precision: training.precision });
  const inputs: Inputs = {
    audio: tape.input('audio', [B, L]),
    t: tape.input('t', [B]),
    signalLevel: tape.input('signalLevel', [B]),
    noiseLevel: tape.input('noiseLevel', [B]),
    ...(training.minSnr !== null && { lossWeight: tape.input('lossWeight', [B]) }),
  };
  const epsilon = noise(tape, { B, L, stream: streams.trainingNoise });
  const noisy = diffuse(tape, { ...inputs, noise: epsilon });
  const predicted = network(tape, config, { noisy, t: inputs.t }, { gradients: true });
  const meanLoss = loss(tape, { predicted, wanted: epsilon, kind: config.loss, weight: inputs.lossWeight });
  tape.backward(meanLoss);
  const flat = (name: string, { buffer, size }: FlatBuffer): Tensor =>
    tape.external(name, [size / 4], { buffer, offset: 0, size });
  const gradient = flat('gradients', parameters.gradients);
  adam(tape, {
    ...training,
    value: flat('parameters', parameters.values),
    gradient,
    m: flat('Adam m', m),
    v: flat('Adam v', v),
    average: average && flat('average', average),
    clip: training.clipNorm === null ? undefined : { norm: norm(tape, gradient), max: training.clipNorm },
  });
  const size = historyLength * 4;
  recordHistory(tape, meanLoss, tape.external('losses', [historyLength], { buffer: history, offset: 0, size }));
  return { tape, inputs };
}
