/**
 * How well the network does on music that it is not trained on: always the same crops, diffusion steps and noise, so that
 * two values differ by the weights alone. The measure is the mean squared error of what the network predicts, ε or v, whatever
 * loss is trained on, because that is what the baselines are known for.
 */
import { building } from '../../building.ts';
import { Executable } from '../../autograd/executable.ts';
import type { Parameters } from '../../autograd/parameters.ts';
import { checkPlan, planTape } from '../../autograd/plan.ts';
import { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import type { BufferPool } from '../../gpu/device/buffers.ts';
import type { VariantSettings } from '../../gpu/device/variant.ts';
import { diffuseWithTarget } from '../../ops/diffuse.ts';
import { keepFigure } from '../../ops/keepFigure.ts';
import { loss } from '../../ops/loss.ts';
import { noise, noiseValues } from '../../ops/noise.ts';
import type { Model } from '../model/model.ts';
import type { Loss, Network } from '../model/contract.ts';
import type { NoiseSchedule } from '../schedule/schedule.ts';
import { scheduleOf } from '../schedule/schedule.ts';
import type { Ranks } from '../../ranks.ts';
import { alone, shareOf } from '../../ranks.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import { streams } from '../streams.ts';
import type { ItemOptions, ValidationItem } from './items.ts';
import { binsOf, crops, mostBins, validationItems } from './items.ts';

/** A range of diffusion steps; the three losses are mean squared errors of what the network predicts, ε or v. */
export interface ValidationBin {
  /** First and last t, counted from 0. */
  readonly from: number;
  readonly to: number;
  readonly loss: number;
  /** Of the linear filter that knows the training set's mean spectrum, see `wienerLoss`. */
  readonly wiener: number;
  /** Of predicting zero: 1 where that is ε, see `zeroLoss`. */
  readonly zero: number;
}

/** The crops of one class, over all diffusion steps. */
export interface ValidationClass {
  readonly label: number;
  readonly loss: number;
  readonly wiener: number;
  /** Loss on the same crops when the network is not told their class: what it has learned of the class is the difference. */
  readonly untold?: number;
}

export interface Validation {
  /** Updates done. */
  readonly step: number;
  /** Mean of the bins. */
  readonly loss: number;
  readonly bins: readonly ValidationBin[];
  /** Where the network is told classes, those that there are crops of. */
  readonly classes?: readonly ValidationClass[];
}

interface Inputs {
  readonly audio: Tensor; // (1, L) x_0
  readonly t: Tensor; // (1)
  readonly signalLevel: Tensor; // (1) √ᾱ_t
  readonly noiseLevel: Tensor; // (1) √(1−ᾱ_t)
  readonly condition?: Tensor; // (1, …)
}

export interface ValidatorOptions extends ItemOptions {
  /** In place of the mean squared error, which is what the baselines are of. */
  readonly loss?: Loss;
  /** Those of a validator that was on a lost device: choosing them and their baselines takes a while. */
  readonly items?: readonly ValidationItem[];
  /** Who shares the items; each of them evaluates at the same time, and gets the same values. */
  readonly ranks?: Ranks;
}

export class Validator {
  readonly items: readonly ValidationItem[];
  readonly #model: Model;
  readonly #ranks: Ranks;
  readonly #seed: number;
  readonly #schedule: NoiseSchedule;
  readonly #executable: Executable;
  readonly #inputs: Inputs;
  readonly #history: GPUBuffer;
  readonly #pool: BufferPool;
  #destroyed = false;

  private constructor(parts: {
    model: Model; seed: number; schedule: NoiseSchedule; items: readonly ValidationItem[]; ranks: Ranks;
    executable: Executable; inputs: Inputs; history: GPUBuffer;
  }) {
    this.#model = parts.model;
    this.#seed = parts.seed;
    this.#schedule = parts.schedule;
    this.items = parts.items;
    this.#ranks = parts.ranks;
    this.#executable = parts.executable;
    this.#inputs = parts.inputs;
    this.#history = parts.history;
    this.#pool = parts.model.gpu.buffers; // that of the device it was made on
  }

  /** Chooses the crops, computes the baselines, builds the program. Throws a `UserError` if it does not fit. */
  static async create(options: ValidatorOptions): Promise<Validator> {
    const { model, L, seed } = options;
    const { gpu, network, diffusion: { prediction } } = model;
    const schedule = scheduleOf(model.diffusion);
    const { ranks = alone } = options;
    const items = options.items ?? validationItems(options, { schedule, prediction });
    return building(async (undo) => {
      const history = gpu.buffers.acquire(items.length * 4, 'validation losses');
      undo(() => gpu.buffers.release(history));
      const { tape, inputs } = recordValidation({
        network, prediction, parameters: model.parameters, variant: gpu.variant, L, history: { buffer: history, length: items.length }, loss: options.loss,
      });
      const plan = planTape(tape);
      checkPlan(plan, gpu.device.limits, 'use shorter crops (`cropSamples`)');
      const executable = await Executable.build(gpu, plan);
      return new Validator({ model, seed, schedule, items, ranks, executable, inputs, history });
    });
  }

  /** Judges the weights that the model has now. */
  async evaluate(step: number): Promise<Validation> {
    const { gpu } = this.#model;
    const { sqrtAlphaBar, sqrtOneMinusAlphaBar } = this.#schedule;
    for (const i of shareOf(this.items.length, this.#ranks)) {
      const { audio, t, condition } = this.items[i]!;
      this.#executable.write(this.#inputs.audio, audio);
      this.#executable.write(this.#inputs.t, Float32Array.of(t));
      this.#executable.write(this.#inputs.signalLevel, Float32Array.of(sqrtAlphaBar[t]!));
      this.#executable.write(this.#inputs.noiseLevel, Float32Array.of(sqrtOneMinusAlphaBar[t]!));
      if (condition) this.#executable.write(this.#inputs.condition!, condition);
      this.#executable.run({ ...noiseValues({ seed: this.#seed, step: this.#noiseOf(i) }), historySlot: i });
      await gpu.throttle();
    }
    const own = new Uint8Array(await gpu.read(this.#history, { offset: 0, size: this.items.length * 4 }));
    const all = new Float32Array((await this.#ranks.allgather(own)).buffer); // (ranks, items)
    const losses = this.items.map((_, i) => all[(i % this.#ranks.size) * this.items.length + i]!);
    const bins = binsOf(this.#schedule.steps).map(({ from, to }, bin): ValidationBin => {
      const members = [...this.items.keys()].filter((i) => this.items[i]!.bin === bin && !this.items[i]!.isUntold);
      return {
        from,
        to,
        loss: mean(members.map((i) => losses[i]!)),
        wiener: mean(members.map((i) => this.items[i]!.wiener)),
        zero: mean(members.map((i) => this.items[i]!.zero)),
      };
    });
    const classes = meansByClass(this.items, losses);
    return { step, loss: mean(bins.map((bin) => bin.loss)), bins, ...(classes.length > 0 && { classes }) };
  }

  /** An item that is looked at once more has the noise of the first time: those that are told come first. */
  #noiseOf(i: number): number {
    return this.items[i]!.isUntold ? i - this.items.findIndex(({ isUntold }) => isUntold) : i;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the memory back to the pool. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#executable.destroy();
    this.#pool.release(this.#history);
  }
}

interface RecordOptions {
  readonly network: Network;
  readonly prediction: Prediction;
  readonly parameters: Parameters;
  readonly variant: VariantSettings;
  readonly L: number;
  readonly loss?: Loss;
}

/** One item a run: the loss of a batch of one is the item's own. */
function recordValidation(
  { network, prediction, parameters, variant, L, history, loss: own }: RecordOptions & { history: { buffer: GPUBuffer; length: number } },
) {
  const tape = new Tape({ parameters, variant, keeps: 'nothing' });
  const inputs: Inputs = {
    audio: tape.input('audio', [1, L]),
    t: tape.input('t', [1]),
    signalLevel: tape.input('signalLevel', [1]),
    noiseLevel: tape.input('noiseLevel', [1]),
    ...(network.conditioning && { condition: tape.input('condition', [1, ...network.conditioning.shape(L)]) }),
  };
  const epsilon = noise(tape, { B: 1, L, stream: streams.validationNoise });
  const { noisy, wanted } = diffuseWithTarget(tape, { ...inputs, noise: epsilon, prediction });
  const predicted = network.record(tape, { noisy, t: inputs.t, condition: inputs.condition });
  const losses = tape.external('losses', [history.length], { buffer: history.buffer, offset: 0, size: history.length * 4 });
  if (own) keepFigure(tape, own(tape, { predicted, wanted, of: L }), { history: losses });
  else loss(tape, { predicted, wanted, kind: 'mse', history: losses });
  return { tape, inputs };
}

/** Bytes of GPU memory that validation takes beside training. */
export function validationBytes(options: RecordOptions): number {
  const length = crops * mostBins;
  const { tape } = recordValidation({ ...options, history: { buffer: {} as GPUBuffer, length } });
  return planTape(tape).bytes + length * 4;
}

/** The bins in which the network knows more than a spectrum. */
export function betterThanWiener({ bins }: Validation): number {
  return bins.filter((bin) => bin.loss < bin.wiener).length;
}

/** The means over the items of every class. */
function meansByClass(items: readonly ValidationItem[], losses: readonly number[]): ValidationClass[] {
  const labels = new Set(items.flatMap(({ label }) => (label === undefined ? [] : [label])));
  return [...labels].sort((a, b) => a - b).map((label) => {
    const of = (untold: boolean): number[] => [...items.keys()].filter((i) => items[i]!.label === label && !!items[i]!.isUntold === untold);
    const [told, without] = [of(false), of(true)];
    return {
      label, loss: mean(told.map((i) => losses[i]!)), wiener: mean(told.map((i) => items[i]!.wiener)),
      ...(without.length > 0 && { untold: mean(without.map((i) => losses[i]!)) }),
    };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
