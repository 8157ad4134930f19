/** A network with its weights on a GPU: one of one's own, or a DiffWave, which can be loaded and saved. */
import type { Shaping } from '../../audio/shaping.ts';
import { unshaped } from '../../audio/shaping.ts';
import { Parameters } from '../../autograd/parameters.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { LossKind } from '../../ops/loss.ts';
import type { ScheduleConfig } from '../schedule/config.ts';
import { scheduleOf } from '../schedule/schedule.ts';
import type { ClipSource } from '../data/clips.ts';
import { shapedClips } from '../data/shapedClips.ts';
import type { DiffWaveConfig } from './config.ts';
import { completeModel, configFromMetadata, configToMetadata, shapingOf, validateConfig } from './config.ts';
import type { Network, Weights } from './contract.ts';
import { diffWaveNetwork } from './network.ts';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts';
import { spectrumFromMetadata, spectrumToMetadata, trainingSpectrum } from '../data/spectrum.ts';
import { initialWeights, weightsFromDisk, weightsToDisk } from './weights.ts';

export interface ModelOptions {
  readonly network: Network;
  /** T, β, and what the network predicts. */
  readonly diffusion: ScheduleConfig;
  /** What sound is before the network sees it; as it is by default. */
  readonly shaping?: Shaping;
  /** Of the weights, where they are not given; 0 by default. */
  readonly seed?: number;
  readonly weights?: Weights;
  /** Loss where training is given none; the mean of squares by default. */
  readonly lossKind?: LossKind;
}

/** A network with its weights on a GPU, to be trained, sampled from and validated. */
export class Model {
  readonly gpu: Gpu;
  readonly network: Network;
  /** T, β, and what the network predicts. */
  readonly diffusion: ScheduleConfig;
  /** What sound is before the network sees it. */
  readonly shaping: Shaping;
  readonly lossKind: LossKind;
  #parameters: Parameters;
  /** Computes the spectrum; undefined where nobody knows what the weights were trained on. */
  #spectrum: (() => Float32Array) | undefined;

  /** Throws a `UserError` on a schedule that cannot be, and where the parameters do not fit the adapter. */
  constructor(gpu: Gpu, { network, diffusion, shaping = unshaped, seed = 0, weights = network.initial(seed), lossKind = 'mse' }: ModelOptions) {
    scheduleOf(diffusion);
    const { receptiveField } = network;
    if (!Number.isSafeInteger(receptiveField) || receptiveField % 2 !== 1 || receptiveField < 1) {
      throw new TypeError(`a network's receptiveField must be an odd whole number from 1, not ${receptiveField}`);
    }
    this.gpu = gpu;
    this.network = network;
    this.diffusion = diffusion;
    this.shaping = shaping;
    this.lossKind = lossKind;
    this.#parameters = parametersWith(gpu, network.specs, weights);
  }

  /** The weights on the GPU; others after `restore`. */
  get parameters(): Parameters {
    return this.#parameters;
  }

  /**
   * Mean power spectrum of what the weights were trained on, see `trainingSpectrum`; goes into the file with them. Undefined
   * where that is not known.
   */
  get spectrum(): Float32Array | undefined {
    return this.#spectrum?.();
  }

  set spectrum(spectrum: Float32Array | undefined) {
    this.#spectrum = spectrum && (() => spectrum);
  }

  /** Says what the weights are trained on from now on, as sound. Its spectrum is computed when it is first asked for. */
  trainsOn(clips: ClipSource): void {
    let known: Float32Array | undefined;
    this.#spectrum = () => (known ??= trainingSpectrum(shapedClips(clips, this.shaping)));
  }

  /** The weights by name, in the kernels' layouts. */
  async weights(): Promise<Weights> {
    return this.parameters.read(this.parameters.values);
  }

  /** Puts the network, with these weights, on the device that its Gpu took in the place of a lost one. */
  restore(weights: Weights): void {
    const restored = parametersWith(this.gpu, this.#parameters.specs, weights);
    this.#parameters.destroy();
    this.#parameters = restored;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the weights' memory back to the pool. */
  destroy(): void {
    this.#parameters.destroy();
  }
}

function parametersWith(gpu: Gpu, specs: Network['specs'], weights: Weights): Parameters {
  const parameters = new Parameters(gpu, specs);
  try {
    parameters.write(parameters.values, weights);
  } catch (error) {
    parameters.destroy();
    throw error;
  }
  return parameters;
}

/** A DiffWave (Kong et al. 2021) with its weights on a GPU. */
export class DiffWave extends Model {
  readonly config: DiffWaveConfig;

  private constructor(gpu: Gpu, config: DiffWaveConfig, weights: Weights) {
    super(gpu, { network: diffWaveNetwork(config), diffusion: config, shaping: shapingOf(config), weights, lossKind: config.loss });
    this.config = config;
  }

  /** A network with initial weights, which are a function of the seed. Throws a `UserError` on a bad configuration. */
  static create(gpu: Gpu, config: DiffWaveConfig, options: { seed?: number } = {}): DiffWave {
    const complete = completeModel(config); // of a program that was written when there were fewer fields
    validateConfig(complete, 'configuration');
    return new DiffWave(gpu, complete, initialWeights(complete, options.seed ?? 0));
  }

  /**
   * A network out of the bytes of a safetensors file: PyTorch's names and layouts, `prefix` before the tensors' names, the
   * configuration in the metadata. `file` is its name for error messages. Throws a `UserError` if it is damaged or of another
   * kind.
   */
  static fromBytes(gpu: Gpu, bytes: Uint8Array, source: { file: string; prefix?: string }): DiffWave {
    const stored = readSafetensors(bytes, source.file);
    const config = configFromMetadata(stored.metadata.config, source.file);
    const spectrum = spectrumFromMetadata(stored.metadata.spectrum, source.file);
    const model = new DiffWave(gpu, config, weightsFromDisk(config, stored, source));
    model.spectrum = spectrum;
    return model;
  }

  /** The bytes of a safetensors file with the weights, or others of the same shapes, and the configuration. */
  async toBytes(weights?: Weights): Promise<Uint8Array> {
    const { spectrum } = this;
    return writeSafetensors({
      tensors: weightsToDisk(this.config, weights ?? await this.weights()),
      metadata: {
        format: 'pt',
        config: configToMetadata(this.config),
        ...(spectrum && { spectrum: spectrumToMetadata(spectrum) }),
      },
    });
  }
}
