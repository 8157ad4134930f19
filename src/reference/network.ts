/**
 * The whole DiffWave, forward and backward, in the order in which Kong et al. 2021 (figure 2) draw it. Parameters are
 * kept by their PyTorch names in the layouts of this room: convolutions (K, Cin, Cout), linear layers (Cin, Cout).
 */
import { addStep, addStepBackward } from './addStep.ts';
import { conv1d, conv1dBackward } from './conv1d.ts';
import { encode } from './encode.ts';
import type { Encoding } from './encode.ts';
import { gate, gateBackward } from './gate.ts';
import { linear, linearBackward } from './linear.ts';
import { relu, reluBackward } from './relu.ts';
import { residual, residualBackward } from './residual.ts';
import { scale } from './scale.ts';
import { silu, siluBackward } from './silu.ts';

/** What of a DiffWave's configuration its arithmetic depends on. */
export interface NetworkConfig {
  readonly layers: number;
  readonly channels: number; // C
  readonly kernelSize: number; // K
  readonly dilationCycle: number; // layer i dilates by base^(i mod cycle)
  readonly dilationBase?: number; // 2 unless given
  readonly encoding: Encoding;
  readonly encodingWidth: number;
  readonly embeddingWidth: number; // H, of both layers of the step's MLP
}

/** A network and what goes into it. */
export interface NetworkInput {
  readonly config: NetworkConfig;
  readonly parameters: ReadonlyMap<string, Float64Array>;
  readonly noisy: Float64Array; // (B, L) x_t
  readonly t: ArrayLike<number>; // (B) counted from 0
  readonly B: number;
  readonly L: number;
}

interface LayerTrace {
  readonly shifted: Float64Array; // (B, L, C) the layer's input plus its step embedding
  readonly convolved: Float64Array; // (B, L, 2C)
  readonly hidden: Float64Array; // (B, L, C) after the gate
}

/** What the forward pass leaves for the backward pass, and the prediction. */
export interface NetworkTrace {
  readonly encoding: Float64Array; // (B, encodingWidth)
  readonly embedding1: Float64Array; // (B, H) before its silu
  readonly embedding2: Float64Array; // (B, H) before its silu
  readonly projected: Float64Array; // (B, L, C) the input projection before its relu
  readonly layers: readonly LayerTrace[];
  readonly skip: Float64Array; // (B, L, C) sum over layers / √layers
  readonly head: Float64Array; // (B, L, C) the skip projection before its relu
  readonly predicted: Float64Array; // (B, L) ε_θ(x_t, t)
}

const EMBEDDING_1 = 'diffusion_embedding.projection1';
const EMBEDDING_2 = 'diffusion_embedding.projection2';
const layerName = (i: number, part: string): string => `residual_layers.${i}.${part}`;

/** Predicts the noise in `noisy`. Throws if a parameter is missing. */
export function networkForward({ config, parameters, noisy, t, B, L }: NetworkInput): NetworkTrace {
  const { channels: C, kernelSize: K, embeddingWidth: H, encodingWidth: E } = config;
  const shape = { B, L };
  const pointwise = { ...shape, K: 1, D: 1 };
  const of = (name: string) => parametersOf(parameters, name);

  const encoding = encode({ kind: config.encoding, t, width: E });
  const embedding1 = linear({ input: encoding, ...of(EMBEDDING_1), B, Cin: E, Cout: H });
  const embedding2 = linear({ input: silu(embedding1), ...of(EMBEDDING_2), B, Cin: H, Cout: H });
  const embedding = silu(embedding2);

  const projected = conv1d({ input: noisy, ...of('input_projection'), ...pointwise, Cin: 1, Cout: C });
  let x = relu(projected);
  let sum: Float64Array | null = null;
  const layers: LayerTrace[] = [];
  for (let i = 0; i < config.layers; i++) {
    const D = (config.dilationBase ?? 2) ** (i % config.dilationCycle);
    const step = linear({ input: embedding, ...of(layerName(i, 'diffusion_projection')), B, Cin: H, Cout: C });
    const shifted = addStep({ input: x, step, ...shape, C });
    const dilated = of(layerName(i, 'dilated_conv'));
    const convolved = conv1d({ input: shifted, ...dilated, ...shape, Cin: C, Cout: 2 * C, K, D });
    const hidden = gate({ input: convolved, rows: B * L, C });
    const output = of(layerName(i, 'output_projection'));
    const split = conv1d({ input: hidden, ...output, ...pointwise, Cin: C, Cout: 2 * C });
    const sums = residual({ input: x, projected: split, skip: sum, rows: B * L, C });
    layers.push({ shifted, convolved, hidden });
    [x, sum] = [sums.output, sums.skip];
  }

  const skip = scale(sum ?? new Float64Array(B * L * C), 1 / Math.sqrt(config.layers));
  const head = conv1d({ input: skip, ...of('skip_projection'), ...pointwise, Cin: C, Cout: C });
  const predicted = conv1d({ input: relu(head), ...of('output_projection'), ...pointwise, Cin: C, Cout: 1 });
  return { encoding, embedding1, embedding2, projected, layers, skip, head, predicted };
}

// Each op's own formula stands in its file; here they are only chained, last op first. A tensor with several readers
// (the layer's input, the step embedding, the skip sum) gets the sum of what its readers send back.
/** The gradient of every parameter, by name, from the gradient of the prediction (B, L) and the forward's trace. */
export function networkBackward(
  { config, parameters, noisy, trace, dPredicted, B, L }: Omit<NetworkInput, 't'> & {
    readonly trace: NetworkTrace;
    readonly dPredicted: Float64Array;
  },
): Map<string, Float64Array> {
  const { channels: C, kernelSize: K, embeddingWidth: H, encodingWidth: E } = config;
  const shape = { B, L };
  const pointwise = { ...shape, K: 1, D: 1 };
  const of = (name: string) => parametersOf(parameters, name);
  const gradients = new Map<string, Float64Array>();
  /** Keeps the two parameter gradients of an op and hands on that of its input. */
  const keep = (name: string, { dInput, dWeight, dBias }: ReturnType<typeof conv1dBackward>): Float64Array => {
    gradients.set(`${name}.weight`, dWeight).set(`${name}.bias`, dBias);
    return dInput;
  };
  const conv = (name: string, op: Omit<Parameters<typeof conv1dBackward>[0], 'weight' | 'bias'>): Float64Array =>
    keep(name, conv1dBackward({ ...op, ...of(name) }));
  const dense = (name: string, op: Omit<Parameters<typeof linearBackward>[0], 'weight' | 'bias'>): Float64Array =>
    keep(name, linearBackward({ ...op, ...of(name) }));

  const dTop = conv('output_projection',
    { input: relu(trace.head), dOutput: dPredicted, ...pointwise, Cin: C, Cout: 1 });
  const dHead = reluBackward({ input: trace.head, dOutput: dTop });
  const dScaled = conv('skip_projection', { input: trace.skip, dOutput: dHead, ...pointwise, Cin: C, Cout: C });
  const dSkip = scale(dScaled, 1 / Math.sqrt(config.layers));

  const embedding = silu(trace.embedding2);
  const dEmbedding = new Float64Array(B * H);
  let dx: Float64Array | null = null; // nobody reads the last layer's output
  for (let i = config.layers - 1; i >= 0; i--) {
    const { shifted, convolved, hidden } = trace.layers[i]!;
    const D = (config.dilationBase ?? 2) ** (i % config.dilationCycle);
    const { dInput, dProjected } = residualBackward({ dOutput: dx, dSkip, rows: B * L, C });
    const dHidden = conv(layerName(i, 'output_projection'),
      { input: hidden, dOutput: dProjected, ...pointwise, Cin: C, Cout: 2 * C });
    const dConvolved = gateBackward({ input: convolved, dOutput: dHidden, rows: B * L, C });
    const dShifted = conv(layerName(i, 'dilated_conv'),
      { input: shifted, dOutput: dConvolved, ...shape, Cin: C, Cout: 2 * C, K, D });
    const added = addStepBackward({ dOutput: dShifted, ...shape, C });
    const dStepInput = dense(layerName(i, 'diffusion_projection'),
      { input: embedding, dOutput: added.dStep, B, Cin: H, Cout: C });
    accumulate(dEmbedding, dStepInput);
    accumulate(dInput, added.dInput);
    dx = dInput;
  }

  const dProjected = reluBackward({ input: trace.projected, dOutput: dx ?? new Float64Array(B * L * C) });
  conv('input_projection', { input: noisy, dOutput: dProjected, ...pointwise, Cin: 1, Cout: C });
  const dEmbedding2 = siluBackward({ input: trace.embedding2, dOutput: dEmbedding });
  const dSilu1 = dense(EMBEDDING_2, { input: silu(trace.embedding1), dOutput: dEmbedding2, B, Cin: H, Cout: H });
  const dEmbedding1 = siluBackward({ input: trace.embedding1, dOutput: dSilu1 });
  dense(EMBEDDING_1, { input: trace.encoding, dOutput: dEmbedding1, B, Cin: E, Cout: H });
  return gradients;
}

function accumulate(sum: Float64Array, term: Float64Array): void {
  term.forEach((value, i) => (sum[i]! += value));
}

function parametersOf(
  parameters: ReadonlyMap<string, Float64Array>,
  name: string,
): { weight: Float64Array; bias: Float64Array } {
  const weight = parameters.get(`${name}.weight`);
  const bias = parameters.get(`${name}.bias`);
  if (!weight || !bias) throw new Error(`The network wants ${name}.weight and ${name}.bias.`);
  return { weight, bias };
}
