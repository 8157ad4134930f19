/**
 * DiffWave's network ε_θ(x_t, t) (Kong et al. 2021, fig. 2, without the conditioner), written as operations on a tape.
 *
 *   x = relu(input(x_t));  e = silu(projection2(silu(projection1(encode(t)))))
 *   per layer: h = gate(dilated_conv(x + diffusion_projection(e)));  (r, s) = output_projection(h)
 *              x = (x + r)/√2;  skip += s
 *   ε_θ = output(relu(skip_projection(skip/√layers)))
 */
import type { ParameterSpec } from '../autograd/parameters.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { conv1d } from '../ops/conv1d.ts';
import { encode } from '../ops/encode.ts';
import { linear } from '../ops/linear.ts';
import { relu } from '../ops/relu.ts';
import { residualLayer } from '../ops/residualLayer.ts';
import { scale } from '../ops/scale.ts';
import { silu } from '../ops/silu.ts';
import type { DiffWaveConfig } from './config.ts';
import { dilationOf, parameterShapes } from './config.ts';

/** Records the network. noisy x_t (B, L), t (B) counted from 0; the result is the predicted noise (B, L). */
export function network(tape: Tape, config: DiffWaveConfig, input: { noisy: Tensor; t: Tensor }): Tensor {
  const [B, L] = input.noisy.shape as [number, number];
  const affine = (name: string) => ({ weight: tape.parameter(`${name}.weight`), bias: tape.parameter(`${name}.bias`) });
  const pointwise = (name: string, x: Tensor) => conv1d(tape, { x, ...affine(name), dilation: 1, name });
  const dense = (name: string, x: Tensor) => linear(tape, { x, ...affine(name), name });

  const encoding = encode(tape, input.t, {
    kind: config.encoding,
    steps: config.diffusionSteps,
    width: config.encodingWidth,
  });
  const hidden = silu(tape, dense('diffusion_embedding.projection1', encoding));
  const embedding = silu(tape, dense('diffusion_embedding.projection2', hidden)); // (B, H)

  let x = relu(tape, pointwise('input_projection', tape.reshaped(input.noisy, [B, L, 1]))); // (B, L, C)
  let skip: Tensor | undefined; // (B, L, C) running sum over layers
  for (let layer = 0; layer < config.layers; layer++) {
    const name = `residual_layers.${layer}`;
    ({ output: x, skip } = residualLayer(tape, {
      x,
      step: dense(`${name}.diffusion_projection`, embedding),
      skip,
      dilated: affine(`${name}.dilated_conv`),
      projection: affine(`${name}.output_projection`),
      dilation: dilationOf(config, layer),
      name,
    }));
  }
  const scaled = scale(tape, skip!, 1 / Math.sqrt(config.layers));
  const mixed = relu(tape, pointwise('skip_projection', scaled));
  return tape.reshaped(pointwise('output_projection', mixed), [B, L]);
}

/** The parameters as the kernels see them: conv (K, Cin, Cout), linear (Cin, Cout), vector as it is. */
export function parameterSpecs(config: DiffWaveConfig): ParameterSpec[] {
  return parameterShapes(config).map(({ name, diskShape }) => ({ name, shape: [...diskShape].reverse() }));
}
