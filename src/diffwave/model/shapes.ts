/** What follows from a configuration alone: dilations, the receptive field, the parameters and their shapes. */
import type { DiffWaveConfig } from './config.ts';
import { upsamplingOf } from './config.ts';

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
  readonly diskShape: readonly number[]; // conv (Cout, Cin, K), linear (Cout, Cin), vector (Cout), table (rows, width), stretch (1, 1, 3, 2s)
  readonly layout: 'conv' | 'linear' | 'vector' | 'table' | 'stretch';
}

/** The shape that the kernels see: all axes the other way round, but for a table, whose rows are looked up as they are. */
export function kernelShape({ layout, diskShape }: ParameterShape): number[] {
  return layout === 'table' ? [...diskShape] : [...diskShape].reverse();
}

/** Every parameter in the order of the model, with the names and shapes of lmnt-com/diffwave; labels, which it has not, are ours. */
export function parameterShapes(config: DiffWaveConfig): ParameterShape[] {
  const { layers, channels: C, kernelSize: K, encodingWidth: E, embeddingWidth: H, labels, labelWidth, melBands, hopSamples } = config;
  return [
    ...affine('input_projection', [C, 1, 1]),
    ...affine('diffusion_embedding.projection1', [H, E]),
    ...affine('diffusion_embedding.projection2', [H, H]),
    ...(labels ? [{ name: 'label_embedding.weight', diskShape: [labels.length + 1, labelWidth!], layout: 'table' } as const] : []),
    ...(hopSamples ? upsamplingOf(hopSamples)! : []).flatMap((factor, i) => affine(`spectrogram_upsampler.conv${i + 1}`, [1, 1, 3, 2 * factor])),
    ...Array.from({ length: layers }, (_, i) => [
      ...affine(`residual_layers.${i}.dilated_conv`, [2 * C, C, K]),
      ...affine(`residual_layers.${i}.diffusion_projection`, [C, H]),
      ...(labels ? affine(`residual_layers.${i}.label_projection`, [2 * C, labelWidth!]) : []),
      ...(melBands ? affine(`residual_layers.${i}.conditioner_projection`, [2 * C, melBands, 1]) : []),
      ...affine(`residual_layers.${i}.output_projection`, [2 * C, C, 1]),
    ]).flat(),
    ...affine('skip_projection', [C, C, 1]),
    ...affine('output_projection', [1, C, 1]),
  ];
}

function affine(name: string, diskShape: readonly number[]): ParameterShape[] {
  return [
    { name: `${name}.weight`, diskShape, layout: diskShape.length === 4 ? 'stretch' : diskShape.length === 3 ? 'conv' : 'linear' },
    { name: `${name}.bias`, diskShape: [diskShape[0]!], layout: 'vector' },
  ];
}
