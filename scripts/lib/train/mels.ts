/** Samples on the way of a training, and what networks for spectrograms are told for them. */
import type { Split } from '../../../src/diffwave/data/split.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Told } from '../../../src/diffwave/model/contract.ts';
import { melOf, melTold } from '../../../src/diffwave/model/mels.ts';

/** Of a sample that is made on the way: long enough to hear a beat. */
const sampleSeconds = 5;

/** B and L of a sample that is made on the way, whole hops where it is made of a spectrogram. */
export function sampleShape({ sampleRate, hopSamples = 1 }: DiffWaveConfig): readonly [B: number, L: number] {
  return [1, Math.max(1, Math.round((sampleSeconds * sampleRate) / hopSamples)) * hopSamples];
}

/** Throws a `UserError` where spectrograms of this configuration are not computed here. */
export function expectMels(config: DiffWaveConfig): void {
  melOf(config, new Float32Array(config.hopSamples!));
}

/** The spectrogram of nothing, as long as a sample on the way is at most: for predictions of memory. */
export function silenceTold(config: DiffWaveConfig): Told {
  return melTold(config, melOf(config, new Float32Array(sampleShape(config)[1])));
}

/** The beginning of a clip that was kept back, or where there is none of one that is trained on. */
export function melOnTheWay(config: DiffWaveConfig, { training, validation }: Pick<Split, 'training' | 'validation'>): { shape: readonly [number, number]; told: Told } {
  const mel = melOf(config, (validation ?? training).clip(0).slice(0, sampleShape(config)[1]));
  return { shape: [1, mel.frames * config.hopSamples!], told: melTold(config, mel) };
}
