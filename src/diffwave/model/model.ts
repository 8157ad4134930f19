/** A DiffWave with its weights on a GPU: create, load, save. */
import { Parameters } from '../../autograd/parameters.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { ClipSource } from '../data/clips.ts';
import type { DiffWaveConfig } from './config.ts';
import { configFromMetadata, configToMetadata, validateConfig } from './config.ts';
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

  /** Puts the network, with these weights, on the device that its Gpu took in the place of a lost one. */
  restore(weights: Weights): void {
    this.#parameters = new Parameters(this.gpu, this.#parameters.specs);
    this.#parameters.write(this.#parameters.values, weights);
  }

  destroy(): void {
    this.#parameters.destroy();
  }
}
