/** Noise levels: the places that a walk between sound and noise visits, and what the network's output says of the sound there. */
import type { Prediction } from '../../ops/diffuse.ts';
import type { ReverseCoefficients } from '../../ops/reverse.ts';

/** A place on the way from noise to sound: x = √ᾱ·x_0 + √(1−ᾱ)·ε. */
export interface Level {
  readonly t: number; // what the network is told, counted from 0; may be a fraction
  readonly alphaBar: number; // ᾱ
}

/** The sound itself. The network is never asked there. */
export const clean: Level = { t: -1, alphaBar: 1 };

/**
 * x̂_0 from x_t and the network's output: (x_t − √(1−ᾱ)·ε)/√ᾱ (Ho et al. 2020, eq. 15), or √ᾱ·x_t − √(1−ᾱ)·v (Salimans
 * and Ho 2022, appendix D). Throws a RangeError where ᾱ = 0 and the output is ε, which says nothing about x_0 there.
 */
export function dataPrediction({ alphaBar }: Level, prediction: Prediction): Pick<ReverseCoefficients, 'fromX' | 'fromOutput'> {
  const [signal, noise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
  if (prediction === 'v') return { fromX: signal, fromOutput: -noise };
  if (signal === 0) throw new RangeError('a network that predicts ε cannot begin where ᾱ = 0: x_0 does not follow from pure noise');
  return { fromX: 1 / signal, fromOutput: -noise / signal };
}
