/** Weights on disk (PyTorch's names and layouts) and in memory (the kernels' layouts), and their initial values. */
import { UserError } from '../../errors.ts';
import { uniforms } from '../../random.ts';
import type { DiffWaveConfig } from './config.ts';
import type { ParameterShape } from './shapes.ts';
import { kernelShape, parameterShapes } from './shapes.ts';
import type { Safetensors, StoredTensor } from '../../formats/safetensors.ts';
import { toFloat32 } from '../../formats/safetensors.ts';
import { streams } from '../streams.ts';
import type { Weights } from './contract.ts';

/**
 * Reverses the order of a tensor's axes, four at most: (Cout, Cin, K) → (K, Cin, Cout), (Cout, Cin) → (Cin, Cout). Both directions
 * between disk and memory are this, and a vector stays what it is. `shape` is that of `data`.
 */
export function reverseAxes(data: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const [a, b, c, d] = [...shape, 1, 1, 1] as [number, number, number, number];
  const result = new Float32Array(data.length);
  let place = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) for (let l = 0; l < d; l++) result[((l * c + k) * b + j) * a + i] = data[place++]!;
    }
  }
  return result;
}

/** Values of a shape, from disk to memory or back. */
function turned(data: Float32Array, shape: readonly number[], { layout }: ParameterShape): Float32Array<ArrayBuffer> {
  return layout === 'table' ? new Float32Array(data) : reverseAxes(data, shape);
}

/** Weights as a safetensors file keeps them. `prefix` goes before every name. */
export function weightsToDisk(config: DiffWaveConfig, weights: ReadonlyMap<string, Float32Array>, prefix = ''): Map<string, StoredTensor> {
  return new Map(
    parameterShapes(config).map((shape) => {
      const { name, diskShape } = shape;
      return [prefix + name, { dtype: 'F32', shape: [...diskShape], data: turned(weights.get(name)!, kernelShape(shape), shape) }];
    }),
  );
}

/**
 * Weights out of a safetensors file. Throws a `UserError` that names the file and the parameter if one is missing or
 * has another shape than `config` says.
 */
export function weightsFromDisk(config: DiffWaveConfig, stored: Safetensors, source: { file: string; prefix?: string }): Weights {
  const { file, prefix = '' } = source;
  return new Map(
    parameterShapes(config).map((shape) => {
      const { name, diskShape } = shape;
      const key = prefix + name;
      const tensor = stored.tensors.get(key);
      if (!tensor) throw new UserError(`${file}: the tensor '${key}' is missing; is it a file of another model?`);
      if (tensor.shape.join() !== diskShape.join()) {
        throw new UserError(
          `${file}: '${key}' has shape (${tensor.shape.join(', ')}), but the configuration wants (${diskShape.join(', ')}); use the preset it was trained with`,
        );
      }
      return [name, turned(toFloat32(tensor, { name: file, key }), diskShape, shape)];
    }),
  );
}

/**
 * Initial weights, a function of the seed. Convolutions: uniform with the variance 2/fan-in of He et al. 2015, eq. 10.
 * Linear layers and all biases: uniform within ±1/√fan-in. Embedded labels: uniform with the
 * variance 1. The last convolution starts at zero, so that an untrained
 * network predicts its bias (as in lmnt-com/diffwave). Spectrograms are stretched by interpolation at first, see `interpolation`.
 */
export function initialWeights(config: DiffWaveConfig, seed: number): Weights {
  const shapes = parameterShapes(config);
  return new Map(
    shapes.map((shape, item) => {
      const stage = stretches.findIndex((name) => shape.name.startsWith(`${name}.`));
      if (stage >= 0) return [shape.name, interpolation(shape, stage === stretches.length - 1)];
      const length = shape.diskShape.reduce((product, size) => product * size, 1);
      const bound = initialBound(shape, shapes[item - 1]);
      const numbers = uniforms({ seed, stream: streams.weights, step: 0, item, length });
      return [shape.name, Float32Array.from(numbers, (number) => bound * (2 * number - 1))];
    }),
  );
}

/** The convolutions that stretch a spectrogram, one after the other. */
const stretches = ['spectrogram_upsampler.conv1', 'spectrogram_upsampler.conv2'];

/** By how much the levels of a spectrogram are spread at first: music's have a standard deviation of about 0.1. */
const contrast = 4;

/**
 * The weight or the bias of a stage that interpolates linearly between frames, w[j, 1] = 1 − |j + ½ − s|/s; the last one makes 4·(v − ½)
 * of a level v. Random weights, which lmnt-com/diffwave has here, make a pattern of their own of every spectrogram, beside which levels
 * weigh little: docs/vocoder.md has figures.
 */
function interpolation({ diskShape, layout }: ParameterShape, isLast: boolean): Float32Array<ArrayBuffer> {
  if (layout === 'vector') return Float32Array.of(isLast ? -contrast / 2 : 0);
  const taps = diskShape[3]!;
  return Float32Array.from({ length: taps * 3 }, (_, i) => {
    const [j, band] = [Math.floor(i / 3), i % 3];
    return band === 1 ? (isLast ? contrast : 1) * (1 - Math.abs(j + 0.5 - taps / 2) / (taps / 2)) : 0;
  });
}

/** Half-width of the uniform distribution. A bias follows its weight, which gives it the fan-in. */
function initialBound(shape: ParameterShape, before: ParameterShape | undefined): number {
  if (shape.name === 'output_projection.weight') return 0;
  if (shape.layout === 'table') return Math.sqrt(3);
  const weight = shape.layout === 'vector' ? before! : shape;
  const fanIn = weight.diskShape.slice(1).reduce((product, size) => product * size, 1);
  return shape.layout === 'conv' ? Math.sqrt(6 / fanIn) : 1 / Math.sqrt(fanIn);
}
