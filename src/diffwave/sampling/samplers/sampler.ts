/**
 * What a sampler is: a rule that gives, for a step from one noise level to a cleaner one, the coefficients of a line
 * that is the same for all of them (`ops/reverse.ts`). They follow from ᾱ alone, in float64.
 */
import type { ReverseCoefficients } from '../../../ops/reverse.ts';
import type { ScheduleConfig } from '../../schedule/config.ts';

/** A place on the way from noise to sound: x = √ᾱ·x_0 + √(1−ᾱ)·ε. */
export interface Level {
  readonly t: number; // what the network is told, counted from 0; may be a fraction
  readonly alphaBar: number; // ᾱ
}

/** The sound itself. The network is never asked there. */
export const clean: Level = { t: -1, alphaBar: 1 };

/**
 * What the network's output is: ε (Ho et al. 2020), or v = √ᾱ·ε − √(1−ᾱ)·x_0 (Salimans and Ho 2022, "Progressive
 * distillation for fast sampling of diffusion models", section 4).
 */
export type Prediction = ScheduleConfig['prediction'];

/** x_s = ofX·x_t + ofX0·x̂_0 + ofNoise·z + ofPrevious·x̂_0 of the step before. */
export type StepCoefficients = Omit<ReverseCoefficients, 'fromX' | 'fromOutput'>;

export interface StepBetween {
  readonly from: Level;
  readonly to: Level;
  /** The level of the step before, whose x̂_0 is at hand; absent at the first step and after a jump. */
  readonly previous?: Level;
}

export interface Sampler {
  readonly name: SamplerName;
  /** Whether x̂_0 of the step before is used. */
  readonly usesHistory: boolean;
  /** Whether it draws noise after the start. */
  readonly isRandom: boolean;
  step(between: StepBetween): StepCoefficients;
}

export const samplerNames = ['ddpm', 'ddim', 'dpm++', 'fast'] as const;
export type SamplerName = (typeof samplerNames)[number];

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
