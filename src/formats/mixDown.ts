/** From the channels of a recording to one signal in [−1, 1], whatever the recording did with its level and its channels. */
import { UserError } from '../errors.ts';
import type { ChannelHealth } from './channelHealth.ts';
import { channelHealth } from './channelHealth.ts';

export interface DecodedSound {
  readonly samples: Float32Array; // mono, in [-1, 1]
  readonly sampleRate: number; // Hz
  readonly warnings: string[]; // one line each, naming the file: what was wrong with it and was read nevertheless
  readonly health: ChannelHealth;
}

/**
 * Floats are integers that nobody scaled where all of them are whole numbers and some are beyond full scale, or where most are beyond
 * it and the peak is 24 dB above: no recording is so hot. A few samples beyond it, however large, are clicks, and are clamped.
 */
const mostFloat = 16;

/** Full scales of integers that end up in float files. */
const integerScales = [2 ** 15, 2 ** 23, 2 ** 31];

/**
 * Channels cancel each other where the power of their sum is below this share of the sum of their powers. It is 1 for channels that
 * have nothing to do with each other; for two it is 1 + ρ with their correlation ρ, which for ordinary stereo is above −0.5.
 */
const cancelled = 0.01;

/** The highest sample rate, in Hz, that recordings are made at. A header that says more is damaged, and would take hours to resample. */
const mostRate = 768_000;

export interface MixOptions {
  readonly channels: number;
  readonly sampleRate: number; // Hz, rounded if it is not whole
  readonly name: string; // how warnings and errors call the file
  readonly isFloat: boolean; // as the file keeps them: they may be at any scale
  readonly isLossy?: boolean; // codecs overshoot full scale by themselves: no line about that
  readonly warnings: string[]; // lines that there are already; more are added
}

/**
 * The mean of the channels, each frame after frame in `frames` (frames·channels), which is scaled so that full scale is 1. Samples
 * beyond it are clamped; floats at the scale of integers are scaled down; where the channels cancel each other, the loudest one is
 * taken. Each with a line in `warnings`. Throws a `UserError` if a sample is not a number, or the rate is none.
 */
export function mixDown(
  frames: Float64Array | Float32Array, { channels, sampleRate: exactRate, name, isFloat, isLossy = false, warnings }: MixOptions,
): DecodedSound {
  const warn = (line: string): void => void warnings.push(`${name}: ${line}`);
  const sampleRate = Math.round(exactRate);
  if (!(sampleRate >= 1 && sampleRate <= mostRate)) {
    throw new UserError(`${name} cannot be read: it says that its sample rate is ${exactRate} Hz (wanted: at most ${mostRate})`);
  }
  const scale = isFloat ? floatScale(frames, name) : 1;
  if (scale !== 1) warn(`its float samples are at the scale of ${Math.log2(scale) + 1}-bit integers and were divided by ${scale}`);
  const samples = new Float32Array(frames.length / channels);
  const powers = new Float64Array(channels);
  let mixPower = 0;
  for (let frame = 0; frame < samples.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      const value = frames[frame * channels + channel]!;
      sum += value;
      powers[channel]! += value * value;
    }
    samples[frame] = sum / (channels * scale);
    mixPower += sum * sum;
  }
  if (channels > 1 && mixPower < cancelled * powers.reduce((all, power) => all + power)) {
    const loudest = powers.indexOf(Math.max(...powers));
    warn(`its channels cancel each other; channel ${loudest + 1} of ${channels} was taken`);
    for (let frame = 0; frame < samples.length; frame++) samples[frame] = frames[frame * channels + loudest]! / scale;
  }
  const broken = samples.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw new UserError(`${name} holds values that are not numbers (the first one in frame ${broken})`);
  const peak = clamp(samples);
  if (peak > 1 && !isLossy) warn(`samples reach ±${peak.toPrecision(3)} and were clamped to ±1`);
  return { samples, sampleRate, warnings, health: channelHealth(frames, { channels, scale, powers, mixPower }) };
}

/** What float samples have to be divided by: 1, or the full scale of the integers that they are. */
function floatScale(frames: Float64Array | Float32Array, name: string): number {
  let [peak, isWhole, sounding, beyond] = [0, true, 0, 0];
  for (const value of frames) {
    const size = Math.abs(value);
    peak = Math.max(peak, size); // NaN stays NaN, and is said elsewhere
    isWhole &&= Number.isInteger(value);
    if (size > 0) sounding++;
    if (size > 1) beyond++;
  }
  if (!(peak > 1 && Number.isFinite(peak))) return 1;
  if (!isWhole && !(peak > mostFloat && beyond > sounding / 2)) return 1;
  const headroom = isWhole ? 1 : 2; // what was filtered after it was read may overshoot
  const scale = integerScales.find((each) => peak <= headroom * each);
  if (scale === undefined) throw new UserError(`${name} holds samples up to ${peak.toPrecision(3)}, at no scale that is known`);
  return scale;
}

/** Clamps to [-1, 1] in place; the largest magnitude there was. */
function clamp(samples: Float32Array): number {
  let peak = 0;
  for (let i = 0; i < samples.length; i++) {
    peak = Math.max(peak, Math.abs(samples[i]!));
    samples[i] = Math.max(-1, Math.min(1, samples[i]!));
  }
  return peak;
}
