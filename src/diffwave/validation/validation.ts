/**
 * How well the network does on music that it is not trained on: always the same crops, diffusion steps and noise, so that
 * two values differ by the weights alone. The measure is the mean squared error of what the network predicts, ε or v, whatever
 * loss is trained on, because that is what the baselines are known for.
 */
import { building } from '../../building.ts';
import { rootMeanSquare } from '../../audio/level.ts';
import { frameSizeFor, meanOverFrequency, powerSpectrum } from '../../audio/powerSpectrum.ts';
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
import { uniform } from '../../random.ts';
import type { ClipSource } from '../data/clips.ts';
import type { Model } from '../model/model.ts';
import type { Loss, Network } from '../model/contract.ts';
import type { NoiseSchedule } from '../schedule/schedule.ts';
import { scheduleOf } from '../schedule/schedule.ts';
import type { Ranks } from '../../ranks.ts';
import { alone, shareOf } from '../../ranks.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import { meanSpectrum } from '../data/spectrum.ts';
import { checkedClip } from '../data/clips.ts';
import { shapedClips } from '../data/shapedClips.ts';
import { streams } from '../streams.ts';
import { wienerLoss, zeroLoss } from './wiener.ts';

/** Crops that are looked at, each once in every bin. */
const crops = 16;
const mostBins = 5;

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

export interface Validation {
  /** Updates done. */
  readonly step: number;
  /** Mean of the bins. */
  readonly loss: number;
  readonly bins: readonly ValidationBin[];
}

/** One crop at one diffusion step. */
export interface ValidationItem {
  readonly audio: Float32Array<ArrayBuffer>; // (L), as the network sees it
  readonly t: number;
  readonly bin: number;
  readonly wiener: number;
  readonly zero: number;
}

interface Inputs {
  readonly audio: Tensor; // (1, L) x_0
  readonly t: Tensor; // (1)
  readonly signalLevel: Tensor; // (1) √ᾱ_t
  readonly noiseLevel: Tensor; // (1) √(1−ᾱ_t)
}

export interface ValidatorOptions {
  readonly model: Model;
  /** Where the baseline's spectrum comes from. */
  readonly training: ClipSource;
  readonly validation: ClipSource;
  /** Samples of a crop, as in training. */
  readonly L: number;
  readonly seed: number;
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
      const history = gpu.buffers.acquire(crops * mostBins * 4, 'validation losses');
      undo(() => gpu.buffers.release(history));
      const { tape, inputs } = recordValidation({
        network, prediction, parameters: model.parameters, variant: gpu.variant, L, history, loss: options.loss,
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
      const { audio, t } = this.items[i]!;
      this.#executable.write(this.#inputs.audio, audio);
      this.#executable.write(this.#inputs.t, Float32Array.of(t));
      this.#executable.write(this.#inputs.signalLevel, Float32Array.of(sqrtAlphaBar[t]!));
      this.#executable.write(this.#inputs.noiseLevel, Float32Array.of(sqrtOneMinusAlphaBar[t]!));
      this.#executable.run({ ...noiseValues({ seed: this.#seed, step: i }), historySlot: i });
      await gpu.throttle();
    }
    const own = new Uint8Array(await gpu.read(this.#history, { offset: 0, size: this.items.length * 4 }));
    const all = new Float32Array((await this.#ranks.allgather(own)).buffer); // (ranks, items)
    const losses = this.items.map((_, i) => all[(i % this.#ranks.size) * this.items.length + i]!);
    const bins = binsOf(this.#schedule.steps).map(({ from, to }, bin): ValidationBin => {
      const members = [...this.items.keys()].filter((i) => this.items[i]!.bin === bin);
      return {
        from,
        to,
        loss: mean(members.map((i) => losses[i]!)),
        wiener: mean(members.map((i) => this.items[i]!.wiener)),
        zero: mean(members.map((i) => this.items[i]!.zero)),
      };
    });
    return { step, loss: mean(bins.map((bin) => bin.loss)), bins };
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
function recordValidation({ network, prediction, parameters, variant, L, history, loss: own }: RecordOptions & { history: GPUBuffer }) {
  const tape = new Tape({ parameters, variant, keeps: 'nothing' });
  const inputs: Inputs = {
    audio: tape.input('audio', [1, L]),
    t: tape.input('t', [1]),
    signalLevel: tape.input('signalLevel', [1]),
    noiseLevel: tape.input('noiseLevel', [1]),
  };
  const epsilon = noise(tape, { B: 1, L, stream: streams.validationNoise });
  const { noisy, wanted } = diffuseWithTarget(tape, { ...inputs, noise: epsilon, prediction });
  const predicted = network.record(tape, { noisy, t: inputs.t });
  const most = crops * mostBins;
  const losses = tape.external('losses', [most], { buffer: history, offset: 0, size: most * 4 });
  if (own) keepFigure(tape, own(tape, { predicted, wanted, of: L }), { history: losses });
  else loss(tape, { predicted, wanted, kind: 'mse', history: losses });
  return { tape, inputs };
}

/** Bytes of GPU memory that validation takes beside training. */
export function validationBytes(options: RecordOptions): number {
  const { tape } = recordValidation({ ...options, history: {} as GPUBuffer });
  return planTape(tape).bytes + crops * mostBins * 4;
}

/** The bins in which the network knows more than a spectrum. */
export function betterThanWiener({ bins }: Validation): number {
  return bins.filter((bin) => bin.loss < bin.wiener).length;
}

/** 0 … T−1 in five ranges as equal as can be; fewer if T is smaller. */
export function binsOf(T: number): { readonly from: number; readonly to: number }[] {
  const count = Math.min(mostBins, T);
  const start = (bin: number): number => Math.ceil((bin * T) / count);
  return Array.from({ length: count }, (_, bin) => ({ from: start(bin), to: start(bin + 1) - 1 }));
}

/** Every crop once in every bin, and the crops' steps spread evenly over the bin. */
function validationItems(
  { model: { shaping }, training, validation, L, seed }: Pick<ValidatorOptions, 'model' | 'training' | 'validation' | 'L' | 'seed'>,
  { schedule, prediction }: { schedule: NoiseSchedule; prediction: Prediction },
): ValidationItem[] {
  const size = frameSizeFor(L);
  const designed = meanSpectrum(shapedClips(training, shaping), size);
  const bins = binsOf(schedule.steps);
  const seen = shapedClips(validation, shaping);
  return Array.from({ length: crops }, (_, crop) => {
    const clip = checkedClip(seen, Math.floor(((crop + 0.5) / crops) * validation.clipCount));
    const place = { seed, stream: streams.validationCrop, step: 0, item: crop, index: 0 };
    const start = Math.floor(uniform(place) * (validation.clipSamples - L + 1));
    const audio = clip.slice(start, start + L);
    const power = rootMeanSquare(audio) ** 2;
    const actual = scaledTo(power, powerSpectrum(audio, { size }));
    return bins.map(({ from, to }, bin) => {
      const t = from + Math.floor(((crop + 0.5) / crops) * (to - from + 1));
      const known = { alphaBar: schedule.alphaBar[t]!, prediction };
      return { audio, t, bin, wiener: wienerLoss({ ...known, designed, actual }), zero: zeroLoss({ ...known, power }) };
    });
  }).flat();
}

/** Welch's frames count a crop's ends for less than its middle, the loss does not: the spectrum with the crop's own power. */
function scaledTo(power: number, spectrum: Float64Array): Float64Array {
  const estimated = meanOverFrequency(spectrum.length, (bin) => spectrum[bin]!);
  return estimated > 0 ? spectrum.map((value) => (value * power) / estimated) : spectrum;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
