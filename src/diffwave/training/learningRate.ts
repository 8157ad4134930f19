/** The learning rate: a function of the step and of nothing else, so that a resumed run has the same one. */
import type { TrainingConfig } from './config.ts';

type Schedule = Pick<TrainingConfig, 'learningRate' | 'warmupSteps' | 'learningRateSchedule' | 'decaySteps' | 'decayFactor'>;

/**
 * The learning rate η of update `step`, counted from 0.
 *
 * - Warm-up (Goyal et al. 2017, section 2.2): it rises linearly over the first `warmupSteps` updates, the last of which
 *   has the whole.
 * - `cosine` (Loshchilov and Hutter 2017, eq. 5, without restarts): from there it falls along half a cosine to
 *   decayFactor·η at update `decaySteps`, and stays there.
 * - `step` (as in He et al. 2016): it is multiplied by `decayFactor` every `decaySteps` updates.
 */
export function learningRateAt(training: Schedule, step: number): number {
  const { learningRate, warmupSteps } = training;
  return step < warmupSteps ? (learningRate * (step + 1)) / warmupSteps : learningRate * decayAt(training, step);
}

/** Of the updates there are, at most this part is warm-up where a preset says both and there are few. */
const mostWarmUp = 0.1;

/**
 * The training with the ends of its schedule, where it leaves them to the number of updates: a cosine ends with the last one, and a
 * warm-up that would take more than a tenth of them is shortened to that.
 */
export function trainingOver(steps: number, training: TrainingConfig): TrainingConfig {
  const { learningRateSchedule, decaySteps, warmupSteps } = training;
  if (learningRateSchedule !== 'cosine' || decaySteps !== null) return training;
  return { ...training, decaySteps: steps, warmupSteps: Math.min(warmupSteps, Math.floor(mostWarmUp * steps)) };
}

function decayAt({ learningRateSchedule: schedule, warmupSteps, decaySteps, decayFactor }: Schedule, step: number): number {
  if (schedule === 'constant' || decaySteps === null) return 1;
  if (schedule === 'step') return decayFactor ** Math.floor(step / decaySteps);
  const done = Math.min(1, (step - warmupSteps) / (decaySteps - warmupSteps));
  return decayFactor + ((1 - decayFactor) * (1 + Math.cos(Math.PI * done))) / 2;
}
