/**
 * DiffWave's network ε_θ(x_t, t) (Kong et al. 2021, fig. 2), written as operations on a tape.
 *
 *   x = relu(input(x_t));  e = silu(projection2(silu(projection1(encode(t)))))
 *   per layer: h = gate(dilated_conv(x + diffusion_projection(e)) + condition);  (r, s) = output_projection(h)
 *              x = (x + r)/√2;  skip += s
 *   ε_θ = output(relu(skip_projection(skip/√layers)))
 */
import type { ParameterSpec } from '../../autograd/parameters.ts';
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { isFast, projectsInKernel } from '../../ops/contraction.ts';
import type { ConvolutionOptions } from '../../ops/conv1d.ts';
import { conv1d } from '../../ops/conv1d.ts';
import { encode } from '../../ops/encode.ts';
import { linear } from '../../ops/linear.ts';
import type { Affine } from '../../ops/packing.ts';
import { prepareWeights } from '../../ops/packing.ts';
import { residualLayer } from '../../ops/residualLayer.ts';
import { stepProjections } from '../../ops/stepProjections.ts';
import type { DiffWaveConfig } from './config.ts';
import { conditioningOf, recordConditions } from './conditioning.ts';
import { dilationOf, kernelShape, parameterShapes, receptiveField } from './shapes.ts';
import type { Network, NetworkInput } from './contract.ts';
import { initialWeights } from './weights.ts';

/** DiffWave as training, sampling and validation want a network. On a tape its weights are packed once, however often it is recorded. */
export function diffWaveNetwork(config: DiffWaveConfig): Network {
  const packed = new WeakMap<Tape, Affine[]>();
  const { channels: C, kernelSize: K } = config;
  return {
    specs: parameterSpecs(config),
    receptiveField: receptiveField(config),
    conditioning: conditioningOf(config),
    initial: (seed) => initialWeights(config, seed),
    record(tape, input) {
      const weights = packed.get(tape) ?? prepareNetwork(tape, config);
      packed.set(tape, weights);
      return network(tape, config, input, weights);
    },
    refusesMixed: () => (C % 4 === 0 ? undefined : `${C} channels are not a multiple of 4`),
    width: Math.max(2 * C, config.melBands ?? 0), // of the dilated convolution's result, or of the spectrogram's
    recomputedShare: K / (K + 1) / 3, // of one of three passes KC·2C of KC·2C + C·2C
  };
}

/** The weights of the convolutions as the tape's variant reads them: of the skip projection, two of each layer, and one of each for spectrograms. */
export function prepareNetwork(tape: Tape, config: DiffWaveConfig): Affine[] {
  const affine = affineOf(tape);
  const layers = layerNames(config);
  const own = prepared(tape, [
    { ...affine('skip_projection'), paired: false, factor: 1 / Math.sqrt(config.layers) },
    ...layers.flatMap((name) => [
      { ...affine(`${name}.dilated_conv`), paired: true },
      { ...affine(`${name}.output_projection`), paired: true },
    ]),
  ]);
  // As many bands as the file says: they may not fit where the channels do.
  if (config.conditioner !== 'mel') return own;
  return [...own, ...prepared(tape, layers.map((name) => {
    const projection = affine(`${name}.conditioner_projection`);
    return { ...projection, paired: projectsInKernel(tape, projection) };
  }))];
}

/**
 * Records the network; the result is the predicted noise (B, L). A network that is recorded more than once on a tape is given its
 * `weights` out of `prepareNetwork`, so that they are packed once.
 */
export function network(
  tape: Tape, config: DiffWaveConfig, input: NetworkInput, weights = prepareNetwork(tape, config),
): Tensor {
  const [B, L] = input.noisy.shape as [number, number];
  const affine = affineOf(tape);
  const dense = (name: string, x: Tensor) => linear(tape, { x, ...affine(name), name, activation: 'silu' });
  const pointwise = (name: string, x: Tensor, more: Partial<ConvolutionOptions> = {}) =>
    conv1d(tape, { x, ...affine(name), dilation: 1, name, ...more });
  const layers = layerNames(config);
  const [mixing, ...convolutions] = weights;

  const encoding = encode(tape, input.t, {
    kind: config.encoding,
    steps: config.diffusionSteps,
    width: config.encodingWidth,
  });
  const hidden = dense('diffusion_embedding.projection1', encoding);
  const embedding = dense('diffusion_embedding.projection2', hidden); // (B, H)
  const steps = stepProjections(tape, embedding, layers.map((name) => affine(`${name}.diffusion_projection`)));
  const projections = new Map(convolutions.slice(2 * layers.length).map((of, layer) => [`${layers[layer]}.conditioner_projection`, of]));
  const conditions = recordConditions(tape, config, input, { layers, affine: (name) => projections.get(name) ?? affine(name) });

  const noisy = tape.reshaped(input.noisy, [B, L, 1]);
  let x = pointwise('input_projection', noisy, { activation: 'relu', half: tape.precision === 'mixed' }); // (B, L, C)
  let skip: Tensor | undefined; // (B, L, C) running sum over layers
  layers.forEach((name, layer) => {
    ({ output: x, skip } = residualLayer(tape, {
      x,
      step: steps[layer]!,
      skip,
      dilated: convolutions[2 * layer]!,
      projection: convolutions[2 * layer + 1]!,
      condition: conditions[layer],
      dilation: dilationOf(config, layer),
      name,
    }));
  });
  const mixed = pointwise('skip_projection', skip!, { ...mixing, activation: 'relu' });
  return tape.reshaped(pointwise('output_projection', mixed), [B, L]);
}

function layerNames({ layers }: DiffWaveConfig): string[] {
  return Array.from({ length: layers }, (_, layer) => `residual_layers.${layer}`);
}

function affineOf(tape: Tape): (name: string) => Affine {
  return (name) => ({ weight: tape.parameter(`${name}.weight`), bias: tape.parameter(`${name}.bias`) });
}

/** Packs the weights for the tape's variant where that can work on them. */
function prepared(tape: Tape, convolutions: readonly (Affine & { readonly paired: boolean })[]): Affine[] {
  const fits = convolutions.every(({ weight }) => isFast(tape, weight.shape[1]!, weight.shape[2]!));
  return fits ? prepareWeights(tape, convolutions, { gradients: tape.keeps !== 'nothing' }) : [...convolutions];
}

/** The parameters as the kernels see them: conv (K, Cin, Cout), linear (Cin, Cout), vector and table as they are. */
export function parameterSpecs(config: DiffWaveConfig): ParameterSpec[] {
  return parameterShapes(config).map((shape) => ({ name: shape.name, shape: kernelShape(shape) }));
}
