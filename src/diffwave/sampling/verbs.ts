/** Things to do with sound: each is a journey through noise, made for the levels that a sampler visits. */
import { noiseFloor } from '../../audio/noiseFloor.ts';
import type { Shaping } from '../../audio/shaping.ts';
import { noiseGain } from '../../audio/shaping.ts';
import { UserError } from '../../errors.ts';
import { counters } from '../../random.ts';
import type { Journey } from './moves.ts';
import { fillGap, forthAndBack, levelsUpTo, walkBack } from './moves.ts';
import { levelAt } from './samplers/levels.ts';
import type { Level } from '../schedule/level.ts';
import type { NoiseSchedule } from '../schedule/schedule.ts';

/** Of a journey: their list is made before the first one, and their noise is numbered. */
const mostPredictions = 1_000_000;

/** What there is to plan a journey with. */
export interface Way {
  readonly schedule: NoiseSchedule;
  readonly levels: readonly Level[]; // cleanest first
  readonly shaping: Shaping; // what sounds are to the network
}

export type Verb = (way: Way) => Journey;

/** A new sound, from pure noise. */
export const create: Verb = ({ levels }) => ({ start: 'noise', moves: walkBack(levels) });

/**
 * A sound like this one: noised up to t = strength·T and brought back (SDEdit, Meng et al. 2022, section 3). Strength
 * near 0 keeps nearly everything, 1 nearly nothing.
 */
export function variation(options: { audio: Float32Array; strength: number }): Verb {
  const { audio, strength } = options;
  expectShare('strength', strength);
  return ({ schedule, levels }) =>
    ({ start: { audio, gain: 1 }, moves: forthAndBack(levelsUpTo(levels, levelOf(schedule, strength))) });
}

/**
 * A sound between two, of which it has 1 − mix and mix: both are taken to t = strength·T with the same noise, mixed
 * there and brought back (Ho et al. 2020, section 4.4). As √ᾱ·a + √(1−ᾱ)·z and √ᾱ·b + √(1−ᾱ)·z mix to
 * √ᾱ·mixture + √(1−ᾱ)·z, that is a variation of the mixture. Both have L samples.
 */
export function between(options: {
  audio: readonly [a: Float32Array, b: Float32Array]; mix: number; strength: number;
}): Verb {
  const { audio: [a, b], mix, strength } = options;
  if (!(mix >= 0 && mix <= 1)) throw new UserError(`mix must be from 0 (the first sound) to 1 (the second), got ${mix}`);
  if (a.length !== b.length) throw new UserError(`two sounds of ${a.length} and ${b.length} samples cannot be mixed: cut the longer one`);
  return variation({ audio: a.map((value, i) => (1 - mix) * value + mix * b[i]!), strength });
}

/**
 * The samples [from, to) of a sound made anew to fit the others, which stay as they are (RePaint, Lugmayr et al. 2022).
 * More `resamplings` of each stretch of `jump` levels fit better and take as many times longer; 1 switches them off.
 */
export function inpaint(options: {
  audio: Float32Array; from: number; to: number; resamplings?: number; jump?: number;
}): Verb {
  const { audio, from, to, resamplings = 1, jump = 1 } = options;
  for (const [name, count] of Object.entries({ resamplings, jump })) {
    if (!Number.isSafeInteger(count) || count < 1) throw new UserError(`${name} must be a whole number from 1, got ${count}`);
  }
  if (!(from >= 0 && from < to && to <= audio.length)) {
    throw new UserError(`the gap from sample ${from} to ${to} does not lie within a sound of ${audio.length} samples`);
  }
  return ({ levels }) => {
    if (levels.length * resamplings > mostPredictions) {
      throw new UserError(`${resamplings} \`resamplings\` of ${levels.length} steps are more than ${mostPredictions.toLocaleString('en')} predictions: use fewer`);
    }
    return { start: 'noise', moves: fillGap(levels, { resamplings, jump }), known: { audio, gap: [from, to] } };
  };
}

/** A sound and `samples` more of it, made to fit: the gap lies behind its end. */
export function continuation(options: { audio: Float32Array; samples: number; resamplings?: number; jump?: number }): Verb {
  const { audio, samples, ...rest } = options;
  if (!Number.isSafeInteger(samples) || samples < 1) throw new UserError(`a sound is continued by 1 sample or more, got ${samples}`);
  if (audio.length + samples > counters) throw new UserError(`a sound can have ${counters} samples at most, not ${audio.length + samples}`);
  const longer = new Float32Array(audio.length + samples);
  longer.set(audio);
  return inpaint({ audio: longer, from: audio.length, to: longer.length, ...rest });
}

/**
 * A sound without its white noise: y = x_0 + s·ε is x_t/√ᾱ at the t where √(1−ᾱ)/√ᾱ = s, and from there a deterministic
 * walk leads back. s is estimated from the sound (`noiseFloor`), or t = strength·T is given. A network that sees sound with emphasis
 * is shown noise that is as strong as it expects, and not as white.
 */
export function denoise(options: { audio: Float32Array; strength?: number }): Verb {
  const { audio, strength } = options;
  if (strength !== undefined) expectShare('strength', strength);
  return ({ schedule, levels, shaping }) => {
    const top = strength === undefined ? levelOfNoise(schedule, noiseFloor(audio) * noiseGain(shaping)) : levelOf(schedule, strength);
    return {
      start: { audio, gain: Math.sqrt(top.alphaBar) },
      moves: walkBack(levelsUpTo(levels, top)),
      mustBeDeterministic: true,
    };
  };
}

/** The schedule's own level nearest to t = strength·T, T being all of them. */
function levelOf({ steps, alphaBar }: NoiseSchedule, strength: number): Level {
  const t = Math.max(1, Math.round(strength * steps)) - 1;
  return { t, alphaBar: alphaBar[t]! };
}

/** The level at which the noise is `ratio` times as strong as in the sound itself; the noisiest for more than that. */
function levelOfNoise(schedule: NoiseSchedule, ratio: number): Level {
  const signalLevel = 1 / Math.sqrt(1 + ratio ** 2);
  const { sqrtAlphaBar, steps } = schedule;
  if (signalLevel > sqrtAlphaBar[0]!) {
    throw new UserError(`there is no noise to remove: its level is about ${ratio.toPrecision(2)}, less than the network has learned to see; \`strength\` insists`);
  }
  return levelAt(schedule, Math.max(signalLevel, sqrtAlphaBar[steps - 1]!))!;
}

function expectShare(name: string, value: number): void {
  if (!(value > 0 && value <= 1)) throw new UserError(`${name} must be above 0 and at most 1, got ${value}`);
}
