/** What follows from a configuration alone: dilations, the receptive field, the parameters and their shapes. */
import type { DiffWaveConfig } from './config.ts';

/** The dilation of a layer's convolution, in samples. */
export function dilationOf(config: Pick<DiffWaveConfig, 'dilationCycle' | 'dilationBase'>, layer: number): number {
  return config.dilationBase ** (layer % config.dilationCycle);
}

/** How many samples of x_t one sample of the prediction depends on: 1 + (K − 1)·Σ dilations. */
export function receptiveField(config: Pick<DiffWaveConfig, 'layers' | 'kernelSize' | 'dilationCycle' | 'dilationBase'>): number {
  let dilations = 0;
  for (let layer = 0; layer < config.layers; layer++) dilations += dilationOf(config, layer);
  return 1 + (config.kernelSize - 1) * dilations;
}

/** A parameter as a file has it. `layout` tells how its axes are turned for the kernels. */
export interface ParameterShape {
  readonly name: string; // PyTorch's
  readonly diskShape: readonly number[]; // conv (Cout, Cin, K), linear (Cout, Cin), vector (Cout)
  readonly layout: 'conv' | 'linear' | 'vector';
}

/** Every parameter in the order of the model, with the names and shapes of lmnt-com/diffwave. */
export function parameterShapes(config: DiffWaveConfig): ParameterShape[] {
  const { layers, channels: C, kernelSize: K, encodingWidth: E, embeddingWidth: H } = config;
  return [
    ...affine('input_projection', [C, 1, 1]),
    ...affine('diffusion_embedding.projection1', [H, E]),
    ...affine('diffusion_embedding.projection2', [H, H]),
    ...Array.from({ length: layers }, (_, i) => [
      ...affine(`residual_layers.${i}.dilated_conv`, [2 * C, C, K]),
      ...affine(`residual_layers.${i}.diffusion_projection`, [C, H]),
      ...affine(`residual_layers.${i}.output_projection`, [2 * C, C, 1]),
    ]).flat(),
    ...affine('skip_projection', [C, C, 1]),
    ...affine('output_projection', [1, C, 1]),
  ];
}

function affine(name: string, diskShape: readonly number[]): ParameterShape[] {
  return [
    { name: `${name}.weight`, diskShape, layout: diskShape.length === 3 ? 'conv' : 'linear' },
    { name: `${name}.bias`, diskShape: [diskShape[0]!], layout: 'vector' },
  ];
}
