/**
 * How well the network does on music that it is not trained on: always the same crops, diffusion steps and noise, so that
 * two values differ by the weights alone. The measure is the mean squared error of the predicted noise, whatever loss is
 * trained on, because that is what the baselines are known for.
 */
import { frameSizeFor, powerSpectrum } from '../audio/powerSpectrum.ts';
import { Executable } from '../autograd/executable.ts';
import { checkPlan, planTape } from '../autograd/plan.ts';
import { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { UserError } from '../errors.ts';
import { diffuse } from '../ops/diffuse.ts';
import { loss, recordHistory } from '../ops/loss.ts';
import { noise, noiseValues } from '../ops/noise.ts';
import { uniform } from '../random.ts';
import type { ClipSource } from './batches.ts';
import type { DiffWave } from './model.ts';
import { network } from './network.ts';
import type { NoiseSchedule } from './schedule.ts';
import { noiseSchedule } from './schedule.ts';
import { streams } from './streams.ts';
import { wienerLoss, zeroLoss } from './wiener.ts';

/** Crops that are looked at, each once in every bin. */
const crops = 16;
const mostBins = 5;
/** Clips of the training set that its spectrum is taken from: past that it changes little and takes seconds. */
const mostSpectra = 500;

/** A range of diffusion steps; the three losses are mean squared errors of ε. */
export interface ValidationBin {
  /** First and last t, counted from 0. */
  readonly from: number;
  readonly to: number;
  readonly loss: number;
  /** Of the linear filter that knows the training set's mean spectrum, see `wienerLoss`. */
  readonly wiener: number;
  /** Of predicting no noise. */
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
  readonly audio: Float32Array<ArrayBuffer>; // (L)
  readonly t: number;
  readonly bin: number;
  readonly wiener: number;
}

interface Inputs {
  readonly audio: Tensor; // (1, L) x_0
  readonly t: Tensor; // (1)
  readonly signalLevel: Tensor; // (1) √ᾱ_t
  readonly noiseLevel: Tensor; // (1) √(1−ᾱ_t)
}

export interface ValidatorOptions {
  readonly model: DiffWave;
  /** Where the baseline's spectrum comes from. */
  readonly training: ClipSource;
  readonly validation: ClipSource;
  /** Samples of a crop, as in training. */
  readonly L: number;
  readonly seed: number;
  /** Those of a validator that was on a lost device: choosing them and their baselines takes a while. */
  readonly items?: readonly ValidationItem[];
}

export class Validator {
  readonly items: readonly ValidationItem[];
  readonly #model: DiffWave;
  readonly #seed: number;
  readonly #schedule: NoiseSchedule;
  readonly #executable: Executable;
  readonly #inputs: Inputs;
  readonly #history: GPUBuffer;

  private constructor(parts: {
    model: DiffWave; seed: number; schedule: NoiseSchedule; items: readonly ValidationItem[];
    executable: Executable; inputs: Inputs; history: GPUBuffer;
  }) {
    this.#model = parts.model;
    this.#seed = parts.seed;
    this.#schedule = parts.schedule;
    this.items = parts.items;
    this.#executable = parts.executable;
    this.#inputs = parts.inputs;
    this.#history = parts.history;
  }

  /** Chooses the crops, computes the baselines, builds the program. Throws a `UserError` if it does not fit. */
  static async create(options: ValidatorOptions): Promise<Validator> {
    const { model, L, seed } = options;
    const { gpu, config } = model;
    const { diffusionSteps: steps, betaStart, betaEnd } = config;
    const schedule = noiseSchedule({ steps, betaStart, betaEnd });
    const items = options.items ?? validationItems(options, schedule);
    const size = items.length * 4;
    const history = gpu.buffers.acquire(size, 'validation losses');
    try {
      // One item a run: the loss of a batch of one is the item's own.
      const tape = new Tape({ parameters: model.parameters, variant: gpu.variant });
      const inputs: Inputs = {
        audio: tape.input('audio', [1, L]),
        t: tape.input('t', [1]),
        signalLevel: tape.input('signalLevel', [1]),
        noiseLevel: tape.input('noiseLevel', [1]),
      };
      const epsilon = noise(tape, { B: 1, L, stream: streams.validationNoise });
      const noisy = diffuse(tape, { ...inputs, noise: epsilon });
      const predicted = network(tape, config, { noisy, t: inputs.t });
      const itemLoss = loss(tape, { predicted, wanted: epsilon, kind: 'mse' });
      recordHistory(tape, itemLoss, tape.external('losses', [items.length], { buffer: history, offset: 0, size }));
      const plan = planTape(tape);
      checkPlan(plan, gpu.device.limits, 'use shorter crops (--crop-samples)');
      const executable = await Executable.build(gpu, plan);
      return new Validator({ model, seed, schedule, items, executable, inputs, history });
    } catch (error) {
      gpu.buffers.release(history);
      throw error;
    }
  }

  /** Judges the weights that the model has now. */
  async evaluate(step: number): Promise<Validation> {
    const { gpu } = this.#model;
    const { sqrtAlphaBar, sqrtOneMinusAlphaBar } = this.#schedule;
    for (const [i, { audio, t }] of this.items.entries()) {
      this.#executable.write(this.#inputs.audio, audio);
      this.#executable.write(this.#inputs.t, Float32Array.of(t));
      this.#executable.write(this.#inputs.signalLevel, Float32Array.of(sqrtAlphaBar[t]!));
      this.#executable.write(this.#inputs.noiseLevel, Float32Array.of(sqrtOneMinusAlphaBar[t]!));
      this.#executable.run({ ...noiseValues({ seed: this.#seed, step: i }), historySlot: i });
      await gpu.throttle();
    }
    const losses = new Float32Array(await gpu.read(this.#history, { offset: 0, size: this.items.length * 4 }));
    const bins = binsOf(this.#schedule.steps).map(({ from, to }, bin): ValidationBin => {
      const members = [...this.items.keys()].filter((i) => this.items[i]!.bin === bin);
      return {
        from,
        to,
        loss: mean(members.map((i) => losses[i]!)),
        wiener: mean(members.map((i) => this.items[i]!.wiener)),
        zero: zeroLoss,
      };
    });
    return { step, loss: mean(bins.map((bin) => bin.loss)), bins };
  }

  destroy(): void {
    this.#executable.destroy();
    this.#model.gpu.buffers.release(this.#history);
  }
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
  { training, validation, L, seed }: Pick<ValidatorOptions, 'training' | 'validation' | 'L' | 'seed'>, schedule: NoiseSchedule,
): ValidationItem[] {
  const size = frameSizeFor(L);
  const designed = meanSpectrum(training, size);
  const bins = binsOf(schedule.steps);
  return Array.from({ length: crops }, (_, crop) => {
    const clip = checkedClip(validation, Math.floor(((crop + 0.5) / crops) * validation.clipCount));
    const place = { seed, stream: streams.validationCrop, step: 0, item: crop, index: 0 };
    const start = Math.floor(uniform(place) * (validation.clipSamples - L + 1));
    const audio = clip.slice(start, start + L);
    const actual = powerSpectrum(audio, { size });
    return bins.map(({ from, to }, bin) => {
      const t = from + Math.floor(((crop + 0.5) / crops) * (to - from + 1));
      return { audio, t, bin, wiener: wienerLoss({ alphaBar: schedule.alphaBar[t]!, designed, actual }) };
    });
  }).flat();
}

function meanSpectrum(clips: ClipSource, size: number): Float64Array {
  const count = Math.min(clips.clipCount, mostSpectra);
  const sum = new Float64Array(size / 2 + 1);
  for (let i = 0; i < count; i++) {
    const spectrum = powerSpectrum(checkedClip(clips, Math.floor((i * clips.clipCount) / count)), { size });
    spectrum.forEach((value, bin) => (sum[bin] += value / count));
  }
  return sum;
}

function checkedClip(clips: ClipSource, i: number): Float32Array<ArrayBuffer> {
  const clip = new Float32Array(clips.clip(i));
  if (!clip.every(Number.isFinite)) {
    throw new UserError(`clip ${i} of the data set has a value that is not a number: prepare the data set again`);
  }
  return clip;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
