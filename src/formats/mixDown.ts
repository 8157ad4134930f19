/** From the channels of a recording to one signal in [−1, 1], whatever the recording did with its level and its channels. */
import { UserError } from '../errors.ts';

export interface DecodedSound {
  readonly samples: Float32Array; // mono, in [-1, 1]
  readonly sampleRate: number; // Hz
  readonly warnings: string[]; // one line each, naming the file: what was wrong with it and was read nevertheless
}

/**
 * Past this, float samples are not hot but integers that nobody scaled: it is 36 dB above full scale, where no recording is, and
 * 54 dB below the full scale of 16 bits, above which nearly every one comes somewhere.
 */
const mostFloat = 64;

/** Full scales of integers that end up in float files. */
const integerScales = [2 ** 15, 2 ** 23, 2 ** 31];

/**
 * The mix counts as silent where its power is 40 dB below that of the channels: two channels cancel so far only if their
 * correlation is below −0.9998, that is if one is the other turned upside down.
 */
const cancelled = 1e-4;

/**
 * The mean of the channels, each frame after frame in `frames` (frames·channels), which is scaled so that full scale is 1. Samples
 * beyond it are clamped; floats at the scale of integers are scaled down; where the channels cancel each other, the first one is
 * taken. Each with a line in `warnings`. Throws a `UserError` if a sample is not a number.
 */
export function mixDown(
  frames: Float64Array | Float32Array, { channels, sampleRate, name, isFloat, warnings }: {
    channels: number; sampleRate: number; name: string; isFloat: boolean; warnings: string[];
  },
): DecodedSound {
  const warn = (line: string): void => void warnings.push(`${name}: ${line}`);
  const scale = isFloat ? floatScale(frames, name) : 1;
  if (scale !== 1) warn(`its float samples are at the scale of ${Math.log2(scale) + 1}-bit integers and were divided by ${scale}`);
  const samples = new Float32Array(frames.length / channels);
  let [mixPower, power] = [0, 0];
  for (let frame = 0; frame < samples.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      const value = frames[frame * channels + channel]!;
      sum += value;
      power += value * value;
    }
    samples[frame] = sum / (channels * scale);
    mixPower += sum * sum;
  }
  // Σ(Σ_c x)²/C² against Σ_c x²/C, the mean power of the channels
  if (channels > 1 && mixPower / channels < cancelled * power) {
    warn('its channels cancel each other; the first one was taken');
    for (let frame = 0; frame < samples.length; frame++) samples[frame] = frames[frame * channels]! / scale;
  }
  const broken = samples.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw new UserError(`${name} holds values that are not numbers (the first one in frame ${broken})`);
  const peak = clamp(samples);
  if (peak > 1) warn(`samples reach ±${peak.toPrecision(3)} and were clamped to ±1`);
  return { samples, sampleRate, warnings };
}

/** What float samples have to be divided by: 1, or the full scale of the integers that they are. */
function floatScale(frames: Float64Array | Float32Array, name: string): number {
  let peak = 0;
  for (const value of frames) peak = Math.max(peak, Math.abs(value)); // NaN stays NaN, and is said elsewhere
  if (!(peak > mostFloat && Number.isFinite(peak))) return 1;
  const scale = integerScales.find((each) => peak <= each);
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
