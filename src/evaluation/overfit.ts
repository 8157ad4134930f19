/** The verdict of the overfit test: whether a network that was trained on a few clips makes these clips and nothing else. */
import type { Recognition } from './recognise.ts';
import { LEAST_LIKENESS, LEAST_MARGIN } from './recognise.ts';

export interface Verdict {
  readonly passed: boolean;
  readonly recognised: number; // samples
  readonly reached: readonly number[]; // samples that were recognised as each clip
  readonly meanLikeness: number; // mean correlation of all samples with the clip that they are most like
  readonly meanWrong: number; // mean of the largest correlation with another clip
}

/**
 * Passed if every sample is recognised and every clip is reached. With n samples of k clips that are equally likely, a sound network
 * misses one with a probability of at most k·(1 − 1/k)^n: 4 % for 16 samples of four.
 *
 * @param samples one at least, all judged against the same clips
 */
export function verdictOf(samples: readonly Recognition[]): Verdict {
  const reached = samples[0]!.likeness.map((_, clip) => samples.filter((sample) => sample.isRecognised && sample.clip === clip).length);
  const recognised = reached.reduce((sum, count) => sum + count, 0);
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    passed: recognised === samples.length && reached.every((count) => count > 0),
    recognised,
    reached,
    meanLikeness: mean(samples.map(({ best }) => best)),
    meanWrong: mean(samples.map(({ bestWrong }) => bestWrong)),
  };
}

/** The rule in words, with its numbers. */
export const PASS_RULE =
  `every sample correlates with a clip by ${LEAST_LIKENESS} or more, at least ${LEAST_MARGIN} above every other clip, and every clip is reached`;
