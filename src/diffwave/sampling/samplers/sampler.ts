/**
 * What a sampler is: a rule that gives, for a step from one noise level to a cleaner one, the coefficients of a line
 * that is the same for all of them (`ops/reverse.ts`). They follow from ᾱ alone, in float64.
 */
import type { ReverseCoefficients } from '../../../ops/reverse.ts';
import type { Level } from '../../schedule/level.ts';

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
