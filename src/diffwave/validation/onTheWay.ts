/** Samples on the way of a training: how long they are, and what a network is told for them. */
import type { Split } from '../data/split.ts';
import type { DiffWaveConfig } from '../model/config.ts';
import type { Told } from '../model/contract.ts';
import { labelsTold } from '../model/labels.ts';
import { melSpectrogramOf, melTold } from '../model/mels.ts';

/** Of a sample: long enough to hear a beat. */
const sampleSeconds = 5;

export interface OnTheWay {
  readonly shape: readonly [B: number, L: number];
  readonly told?: Told;
  /** The label that was asked for, of a network with labels. */
  readonly label?: string;
}

/** Sample number i: of each label one after the other, or of the spectrogram that the beginning of a clip has, one that was kept back if there is one. */
export function sampleOnTheWay(config: DiffWaveConfig, { training, validation }: Pick<Split, 'training' | 'validation'>, number: number): OnTheWay {
  const { labels, conditioner, hopSamples } = config;
  if (labels) return labelOnTheWay(config, labels[number % labels.length]!);
  if (conditioner !== 'mel') return { shape: shapeOf(config) };
  const mel = melSpectrogramOf(config, (validation ?? training).clip(0).slice(0, shapeOf(config)[1]));
  return { shape: [1, mel.frames * hopSamples!], told: melTold(config, mel) };
}

/** What takes as much memory as any of them. */
export function largestOnTheWay(config: DiffWaveConfig): OnTheWay {
  if (config.labels) return labelOnTheWay(config, config.labels[0]!);
  const shape = shapeOf(config);
  return { shape, ...(config.conditioner === 'mel' && { told: melTold(config, melSpectrogramOf(config, new Float32Array(shape[1]))) }) };
}

/** Whole hops, where a sample is made of a spectrogram. */
function shapeOf({ sampleRate, hopSamples = 1 }: DiffWaveConfig): readonly [B: number, L: number] {
  return [1, Math.max(1, Math.round((sampleSeconds * sampleRate) / hopSamples)) * hopSamples];
}

function labelOnTheWay(config: DiffWaveConfig, label: string): OnTheWay {
  return { shape: shapeOf(config), label, told: labelsTold(config, { labels: { [label]: 1 } }) };
}
