/** What a DiffWave is told of a clip: its label (Kong et al. 2021, section 3.2, "global conditioner"). */
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { UserError } from '../../errors.ts';
import { linear } from '../../ops/linear.ts';
import type { Affine } from '../../ops/packing.ts';
import { stepProjections } from '../../ops/stepProjections.ts';
import { timeline } from '../../ops/timeline.ts';
import type { DiffWaveConfig } from './config.ts';
import type { Conditioning, NetworkInput } from './contract.ts';

/** What a network of this configuration is told; undefined where that is nothing. */
export function conditioningOf({ labels, alwaysLabelled }: DiffWaveConfig): Conditioning | undefined {
  if (!labels) return undefined;
  const only = (place: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: labels.length + 1 }, (_, i) => Number(i === place));
  return {
    shape: () => [labels.length + 1],
    alignment: 1,
    numbers(clips, { clip }) {
      if (!clips.label) throw new UserError('the network has labels, and its data have none: say where they come from with `labels`');
      return only(clips.label(clip));
    },
    ...(!alwaysLabelled && { nothing: only(labels.length) }),
  };
}

/**
 * What is added in every layer before the gate: (B, 2C) each, or with `places` (B, L, 2C). The embedding is a product with the rows of
 * the table, so that labels can be mixed: condition = label_projection(Σ share·embedding).
 */
export function recordConditions(
  tape: Tape, { labels, labelWidth }: DiffWaveConfig, { noisy, condition, places, clipSamples }: NetworkInput,
  { layers, affine }: { readonly layers: readonly string[]; readonly affine: (name: string) => Affine },
): Tensor[] {
  if (!labels) return [];
  if (!condition) throw new Error('this network wants a label');
  const [B, L] = noisy.shape as [number, number];
  const none = tape.constant('no bias', [labelWidth!], new Float32Array(labelWidth!));
  const embedded = linear(tape, { x: condition, weight: tape.parameter('label_embedding.weight'), bias: none, name: 'label_embedding' });
  const rows = stepProjections(tape, embedded, layers.map((name) => affine(`${name}.label_projection`)));
  return places ? rows.map((row) => timeline(tape, row, { places, B, L, length: clipSamples })) : rows;
}
