/** What a DiffWave is told of a clip: its label or its spectrogram (Kong et al. 2021, section 3.2, "global" and "local conditioner"). */
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { UserError } from '../../errors.ts';
import { linear } from '../../ops/linear.ts';
import type { Affine } from '../../ops/packing.ts';
import type { Projected } from '../../ops/residualLayer.ts';
import { stepProjections } from '../../ops/stepProjections.ts';
import { timeline } from '../../ops/timeline.ts';
import { upsampleSpectrogram } from '../../ops/upsample.ts';
import type { DiffWaveConfig } from './config.ts';
import type { Conditioning, NetworkInput } from './contract.ts';
import { melConditioning } from './mels.ts';

/** What a network of this configuration is told; undefined where that is nothing. */
export function conditioningOf(config: DiffWaveConfig): Conditioning | undefined {
  const { labels, alwaysLabelled } = config;
  if (config.conditioner === 'mel') return melConditioning(config);
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

export interface ConditionNames {
  /** The layers, and by name what their projections are made with. */
  readonly layers: readonly string[];
  readonly affine: (name: string) => Affine;
}

/** What is added in every layer before the gate: (B, 2C) each, (B, L, 2C), or what that is projected from. */
export function recordConditions(tape: Tape, config: DiffWaveConfig, input: NetworkInput, names: ConditionNames): (Tensor | Projected)[] {
  if (config.conditioner === undefined) return [];
  if (!input.condition) throw new Error('this network wants a label or a spectrogram');
  return config.conditioner === 'labels' ? labelConditions(tape, config, input, names) : melConditions(tape, input, names);
}

/**
 * (B, 2C), or with `places` (B, L, 2C). The embedding is a product with the rows of the table, so that labels can be mixed:
 * condition = label_projection(Σ share·embedding).
 */
function labelConditions(
  tape: Tape, { labelWidth }: DiffWaveConfig, { noisy, condition, places, clipSamples }: NetworkInput, { layers, affine }: ConditionNames,
): Tensor[] {
  const [B, L] = noisy.shape as [number, number];
  const none = tape.constant('no bias', [labelWidth!], new Float32Array(labelWidth!));
  const embedded = linear(tape, { x: condition!, weight: tape.parameter('label_embedding.weight'), bias: none, name: 'label_embedding' });
  const rows = stepProjections(tape, embedded, layers.map((name) => affine(`${name}.label_projection`)));
  return places ? rows.map((row) => timeline(tape, row, { places, B, L, length: clipSamples })) : rows;
}

/** condition = conditioner_projection(upsampled), of the clip's spectrogram (B, frames, bands) or for a window of the clip. */
function melConditions(tape: Tape, { noisy, condition, clipSamples }: NetworkInput, { layers, affine }: ConditionNames): Projected[] {
  const stages = [affine('spectrogram_upsampler.conv1'), affine('spectrogram_upsampler.conv2')] as const;
  const width = clipSamples === undefined ? undefined : noisy.shape[1]!;
  const upsampled = upsampleSpectrogram(tape, { spectrogram: condition!, stages, width });
  return layers.map((name) => ({ of: upsampled, ...affine(`${name}.conditioner_projection`) }));
}
