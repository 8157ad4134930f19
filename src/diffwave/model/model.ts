/** A DiffWave with its weights on a GPU: create, load, save, predict. */
import { Parameters } from '../../autograd/parameters.ts';
import { UserError } from '../../errors.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { ClipSource } from '../training/batches.ts';
import type { DiffWaveConfig } from './config.ts';
import { configFromMetadata, configToMetadata, validateConfig } from './config.ts';
import { Denoiser } from '../sampling/denoiser.ts';
import { parameterSpecs } from './network.ts';
import { readSafetensors, writeSafetensors } from '../../formats/safetensors.ts';
import { spectrumFromMetadata, spectrumToMetadata, trainingSpectrum } from '../data/spectrum.ts';
import type { Weights } from './weights.ts';
import { initialWeights, weightsFromDisk, weightsToDisk } from './weights.ts';

export class DiffWave {
  readonly gpu: Gpu;
  readonly config: DiffWaveConfig;
  #parameters: Parameters;
  /** Computes the spectrum; undefined where nobody knows what the weights were trained on. */
  #spectrum: (() => Float32Array) | undefined;
  #denoiser: Denoiser | undefined;
  /** The last prediction that was asked for: one denoiser serves them all, one after the other. */
  #predictions: Promise<unknown> = Promise.resolve();

  private constructor(gpu: Gpu, config: DiffWaveConfig, weights: Weights) {
    this.gpu = gpu;
    this.config = config;
    this.#parameters = new Parameters(gpu, parameterSpecs(config));
    this.#parameters.write(this.#parameters.values, weights);
  }

  /** The weights on the GPU; others after `restore`. */
  get parameters(): Parameters {
    return this.#parameters;
  }

  /** A network with initial weights, which are a function of the seed. Throws a `UserError` on a bad configuration. */
  static create(gpu: Gpu, config: DiffWaveConfig, options: { seed?: number } = {}): DiffWave {
    validateConfig(config, 'configuration');
    return new DiffWave(gpu, config, initialWeights(config, options.seed ?? 0));
  }

  /**
   * A network out of a safetensors file: the golden README's names and layouts, the configuration in the metadata.
   * `prefix` goes before the names of the tensors. Outside Node, use `fromBytes`.
   */
  static async load(gpu: Gpu, path: string): Promise<DiffWave> {
    const { readFileOrExplain } = await import('../../disk/files.node.ts');
    return DiffWave.fromBytes(gpu, readFileOrExplain(path, 'weights'), { file: path });
  }

  /** As `load`, from the file's bytes; `file` is its name for error messages. */
  static fromBytes(gpu: Gpu, bytes: Uint8Array, source: { file: string; prefix?: string }): DiffWave {
    const stored = readSafetensors(bytes, source.file);
    const config = configFromMetadata(stored.metadata.config, source.file);
    const spectrum = spectrumFromMetadata(stored.metadata.spectrum, source.file);
    const model = new DiffWave(gpu, config, weightsFromDisk(config, stored, source));
    model.spectrum = spectrum;
    return model;
  }

  /** Writes `weights.safetensors`, or fails and leaves the file that was there. Outside Node, use `toBytes`. */
  async save(path: string): Promise<void> {
    const bytes = await this.toBytes();
    const { writeFileAtomic } = await import('../../disk/files.node.ts');
    writeFileAtomic(path, bytes);
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

  /** Says what the weights are trained on from now on. Its spectrum is computed when it is first asked for. */
  trainsOn(clips: ClipSource): void {
    let known: Float32Array | undefined;
    this.#spectrum = () => (known ??= trainingSpectrum(clips));
  }

  /** The weights by name, in the kernels' layouts. */
  async weights(): Promise<Weights> {
    return this.parameters.read(this.parameters.values);
  }

  /**
   * ε_θ(x_t, t): noisy (B, L) as one array, t of every item counted from 0. Returns (B, L); of a network whose
   * configuration says that it predicts v, that is v_θ. Clips of any length: what does not fit at once is worked through in
   * windows.
   */
  async predictNoise(noisy: Float32Array<ArrayBuffer>, options: { t: readonly number[] }): Promise<Float32Array<ArrayBuffer>> {
    const B = options.t.length;
    const L = noisy.length / B;
    if (!Number.isInteger(L) || L < 1) throw new UserError(`predictNoise: ${noisy.length} samples do not make ${B} equal clips`);
    for (const t of options.t) {
      if (!(t >= 0 && t <= this.config.diffusionSteps - 1)) {
        throw new UserError(`predictNoise: wanted steps t from 0 to ${this.config.diffusionSteps - 1}, got ${t}`);
      }
    }
    const result = this.#predictions.then(() => this.#predict(noisy, { t: options.t, B, L }));
    this.#predictions = result.catch(() => undefined);
    return result;
  }

  async #predict(noisy: Float32Array<ArrayBuffer>, { t, B, L }: { t: readonly number[]; B: number; L: number }) {
    if (this.#denoiser?.B !== B || this.#denoiser.L !== L) {
      this.#denoiser?.destroy();
      this.#denoiser = undefined; // the next one may not fit
      this.#denoiser = await Denoiser.create({ model: this, B, L });
    }
    this.#denoiser.write(noisy);
    await this.#denoiser.predict(t);
    return this.#denoiser.readPredicted();
  }

  /** Puts the network, with these weights, on the device that its Gpu took in the place of a lost one. */
  restore(weights: Weights): void {
    this.#denoiser = undefined;
    this.#parameters = new Parameters(this.gpu, this.#parameters.specs);
    this.#parameters.write(this.#parameters.values, weights);
  }

  destroy(): void {
    this.#denoiser?.destroy();
    this.#parameters.destroy();
  }
}
