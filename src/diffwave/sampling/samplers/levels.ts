/** Which noise levels a walk visits, as arrays from the cleanest to the noisiest. */
import { UserError } from '../../../errors.ts';
import type { NoiseSchedule } from '../../schedule/schedule.ts';
import type { Level } from '../../schedule/level.ts';

/** How a sub-sequence is spread over the schedule: evenly in t, or in the logarithm of ᾱ/(1−ᾱ). */
export const spacings = ['time', 'log-snr'] as const;
export type Spacing = (typeof spacings)[number];

/** The β of DiffWave's fast sampling with six steps (Kong et al. 2021, appendix B). */
export const fastBetas: readonly number[] = [1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5];

/**
 * `steps` of the schedule's T levels, its noisiest and its cleanest among them (the noisiest, if it is one). `time`:
 * evenly spaced and rounded (Nichol and Dhariwal 2021, section 4). `log-snr`: nearest to even distances in λ, half the
 * log-SNR (Lu et al. 2022, "DPM-Solver"), each taken once. Throws a UserError unless 1 ≤ steps ≤ T.
 */
export function levelsOf(schedule: NoiseSchedule, options: { steps?: number; spacing?: Spacing } = {}): Level[] {
  const { steps = schedule.steps, spacing = 'time' } = options;
  const T = schedule.steps;
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > T) {
    throw new UserError(`wanted 1 to ${T} steps, as many as the network was trained with, got ${steps}`);
  }
  const wanted = Array.from({ length: steps }, (_, i) => (steps === 1 ? 1 : i / (steps - 1))); // shares of the way
  const chosen = spacing === 'time' ? wanted.map((share) => Math.round(share * (T - 1))) : evenInLogSnr(schedule, wanted);
  return distinct(chosen, T).map((t) => ({ t, alphaBar: schedule.alphaBar[t]! }));
}

function evenInLogSnr({ alphaBar, steps: T }: NoiseSchedule, shares: readonly number[]): number[] {
  const logSnr = (t: number): number => Math.log(alphaBar[t]! / (1 - alphaBar[t]!));
  const last = alphaBar[T - 1]! > 0 ? T - 1 : T - 2; // without a signal the log-SNR is infinite: the even part ends before
  const [cleanest, noisiest] = [logSnr(0), logSnr(Math.max(0, last))];
  return shares.map((share) => {
    if (share === 1) return T - 1;
    const target = cleanest + share * (noisiest - cleanest);
    let nearest = 0;
    for (let t = 1; t <= last; t++) if (Math.abs(logSnr(t) - target) < Math.abs(logSnr(nearest) - target)) nearest = t;
    return nearest;
  });
}

/** The numbers moved apart as little as possible, so that they rise strictly and stay below T. */
function distinct(numbers: readonly number[], T: number): number[] {
  const result = [...numbers];
  for (let i = 1; i < result.length; i++) result[i] = Math.max(result[i]!, result[i - 1]! + 1);
  for (let i = result.length - 1, most = T - 1; i >= 0; i--, most--) result[i] = Math.min(result[i]!, most);
  return result;
}

/**
 * The level between the trained ones whose signal is `signalLevel` = √ᾱ: t lies on the straight line in √ᾱ between its
 * neighbours (Kong et al. 2021, appendix B, and lmnt-com/diffwave). Undefined outside of what was trained.
 */
export function levelAt({ sqrtAlphaBar, steps: T }: NoiseSchedule, signalLevel: number): Level | undefined {
  const rounding = 1e-9; // a list that begins with the schedule's own β must not fail by the last bit
  const [cleanest, noisiest] = [sqrtAlphaBar[0]!, sqrtAlphaBar[T - 1]!];
  if (!(signalLevel <= cleanest + rounding && signalLevel >= noisiest - rounding)) return undefined;
  const within = Math.min(cleanest, Math.max(noisiest, signalLevel));
  let low = 0;
  while (low < T - 2 && sqrtAlphaBar[low + 1]! > within) low++;
  const [above, below] = [sqrtAlphaBar[low]!, sqrtAlphaBar[Math.min(low + 1, T - 1)]!];
  return { t: low + (above > below ? (above - within) / (above - below) : 0), alphaBar: within ** 2 };
}

/**
 * The levels of a noise schedule of its own, given by its β (DiffWave's fast sampling), each told to the network as the t
 * that has its ᾱ. Throws a UserError if one lies outside of what the network was trained on: lmnt-com/diffwave
 * silently leaves such a step out.
 */
export function levelsFromBetas(schedule: NoiseSchedule, betas: readonly number[]): Level[] {
  if (betas.length === 0) throw new UserError('fast sampling: the list of β is empty');
  let alphaBar = 1;
  return betas.map((beta, i) => {
    if (!(beta > 0 && beta < 1)) throw new UserError(`fast sampling: β must be above 0 and below 1, got ${beta} in place ${i + 1}`);
    alphaBar *= 1 - beta;
    const level = levelAt(schedule, Math.sqrt(alphaBar));
    if (level) return level;
    const [most, least] = [schedule.alphaBar[0]!, schedule.alphaBar[schedule.steps - 1]!];
    throw new UserError(
      `fast sampling: after β ${beta} in place ${i + 1} of ${betas.length} the list's ᾱ is ${alphaBar.toPrecision(4)}, but the network was trained from ${most.toPrecision(4)} down to ${least.toPrecision(4)}`,
    );
  });
}
