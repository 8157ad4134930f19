/** Reads a golden file: a safetensors file with a network, its inputs and what comes out of it. */
import type { DiffWaveConfig } from '../diffwave/model/config.ts';
import { configFromMetadata } from '../diffwave/model/config.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import { readSafetensors, toFloat32 } from '../formats/safetensors.ts';
import type { Weights } from '../diffwave/model/contract.ts';
import { weightsFromDisk } from '../diffwave/model/weights.ts';
import { UserError } from '../errors.ts';

/** Tensors that are not parameters. */
export type ValueName = 'audio' | 'noise' | 'noisy' | 'predicted' | 'loss' | 'losses' | 'guided' | 'timeline' | 'timeline.mix' | 'spectrogram' | 'upsampled';

export interface Golden {
  readonly file: string;
  readonly config: DiffWaveConfig;
  readonly adam: { learningRate: number; beta1: number; beta2: number; epsilon: number; steps: number };
  readonly B: number;
  readonly L: number;
  /** t of every item, (B), counted from 0. */
  readonly steps: readonly number[];
  /** Class of every item where the network has labels, as many as there are classes for none, and the w of guidance. */
  readonly labels?: readonly number[];
  readonly guidance?: number;
  /**
   * `audio`, `noise`, `noisy`, `predicted` (B, L); `loss` (1); `losses`, one for each of Adam's steps. Of labels `guided` and `timeline`
   * (1, L), `timeline.mix` (L); of mels `spectrogram` (B, bands, frames), `upsampled` (B, bands, L).
   */
  values(name: ValueName): Float32Array<ArrayBuffer>;
  /** Parameters in the kernels' layouts: `weights`, `grads`, `adam1`, and the one after Adam's last step. */
  group(name: string): Weights;
}

const wanted = 'A golden file has config, audio, noise, step, noisy, predicted, loss, losses, weights, grads and adam';

/** Everything that the file must have is looked at here. Throws a `UserError` that names the file and what is wrong. */
export function readGolden(bytes: Uint8Array, file: string): Golden {
  const stored = readSafetensors(bytes, file);
  const config = configFromMetadata(stored.metadata.config, file);
  const adam = readAdam(stored.metadata.config!, file);
  const find = (name: string): StoredTensor => {
    const tensor = stored.tensors.get(name);
    if (!tensor) throw new UserError(`${file}: the tensor '${name}' is missing. ${wanted}.`);
    return tensor;
  };
  const shaped = (name: string, shape: readonly number[]): StoredTensor => {
    const tensor = find(name);
    if (tensor.shape.join() === shape.join()) return tensor;
    throw new UserError(`${file}: '${name}' has shape (${tensor.shape.join(', ')}), wanted (${shape.join(', ')}).`);
  };

  const { shape } = find('audio');
  const [B, L] = shape as [number, number];
  if (shape.length !== 2 || B * L === 0) {
    throw new UserError(`${file}: 'audio' has shape (${shape.join(', ')}), wanted (B, L).`);
  }
  const shapes: Partial<Record<ValueName, readonly number[]>> = {
    audio: [B, L], noise: [B, L], noisy: [B, L], predicted: [B, L], loss: [1], losses: [adam.steps],
    ...(config.labels && { guided: [1, L], timeline: [1, L], 'timeline.mix': [L] }),
    ...(config.melBands && { spectrogram: [B, config.melBands, L / config.hopSamples!], upsampled: [B, config.melBands, L] }),
  };
  const values = Object.fromEntries(Object.entries(shapes).map(([name, of]) =>
    [name, new Float32Array(toFloat32(shaped(name, of), { name: file, key: name }))]));
  const labels = config.labels && Array.from(shaped('labels', [B]).data, Number);
  const badLabel = labels?.find((label) => !(Number.isInteger(label) && label >= 0 && label <= config.labels!.length));
  if (badLabel !== undefined) throw new UserError(`${file}: 'labels' has ${badLabel}, wanted whole numbers from 0 to ${config.labels!.length}.`);
  const { guidance } = JSON.parse(stored.metadata.config!) as { guidance?: number };
  if (labels && !Number.isFinite(guidance)) throw new UserError(`${file}: 'guidance' in its configuration must be a number, not ${guidance}.`);
  const steps = Array.from(shaped('step', [B]).data, Number);
  const badStep = steps.find((t) => !(Number.isInteger(t) && t >= 0 && t < config.diffusionSteps));
  if (badStep !== undefined) {
    throw new UserError(`${file}: 'step' has ${badStep}, wanted whole numbers from 0 to ${config.diffusionSteps - 1}.`);
  }
  const groups = new Map(['weights', 'grads', 'adam1', `adam${adam.steps}`].map((group) =>
    [group, weightsFromDisk(config, stored, { file, prefix: `${group}.` })]));
  return { file, config, adam, B: B!, L: L!, steps, ...(labels && { labels, guidance }), values: (name) => values[name]!, group: (name) => groups.get(name)! };
}

function readAdam(json: string, file: string): Golden['adam'] {
  const { learningRate, adamBetas, adamEpsilon: epsilon, adamSteps: steps } = JSON.parse(json);
  const [beta1, beta2] = Array.isArray(adamBetas) ? adamBetas : [];
  const numbers = { learningRate, 'adamBetas[0]': beta1, 'adamBetas[1]': beta2, adamEpsilon: epsilon };
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isFinite(value)) continue;
    throw new UserError(`${file}: '${name}' in its configuration must be a number, not ${value}.`);
  }
  if (!(Number.isSafeInteger(steps) && steps > 0)) {
    throw new UserError(`${file}: 'adamSteps' in its configuration must be a whole number from 1, not ${steps}.`);
  }
  return { learningRate, beta1, beta2, epsilon, steps };
}
