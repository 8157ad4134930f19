/** Networks for spectrograms in training: what they are told on the way, and what is said before hours are spent. */
import type { Split } from '../../../src/diffwave/data/split.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Told } from '../../../src/diffwave/model/contract.ts';
import { melOf, melTold } from '../../../src/diffwave/model/mels.ts';
import { sampleShape } from './monitor.ts';

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
