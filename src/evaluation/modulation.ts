/** How strongly and how fast the loudness of mel bands goes up and down: rhythm and onsets, whatever the pitches are. */
import { stft } from '../audio/spectrogram.ts';
import type { LogMel } from './logMel.ts';

/** Slower is the form of a piece, faster is roughness. */
const range = { fromHz: 2, toHz: 20 };
const groups = 5;
const mostFrames = 64;
/** Fewer frames would not tell the groups from each other at all. */
export const leastModulationFrames = 16;
/** In nat²: a wave of 0.03 nat, 0.3 dB up and down, which nobody hears. Where there is less, the logarithm would say nothing. */
const quiet = 1e-3;

export interface ModulationSpectrum {
  readonly power: Float64Array; // (bands, groups), 5 groups for frames of 64: mean over bins and frames of nat²
}

/**
 * The modulation spectrum of log-mel frames (after Houtgast and Steeneken, JASA 77(3), 1985; of log envelopes, so that it does not
 * depend on the level): in every band the power spectrum of the logarithm's course, without its mean, by Welch's method with Hann
 * frames of up to 64 values (0.8 s). Bins from 2 to 20 Hz are joined in 5 groups, equally wide in octaves.
 *
 * @param size frames of Welch's, from `modulationSize`
 */
export function modulationSpectrum({ frames, bands, values }: LogMel, options: { size: number; framesPerSecond: number }): ModulationSpectrum {
  const { size, framesPerSecond } = options;
  const members = groupsOf(size, framesPerSecond);
  const power = new Float64Array(bands * members.length);
  const course = new Float32Array(frames);
  for (let band = 0; band < bands; band++) {
    let mean = 0;
    for (let frame = 0; frame < frames; frame++) mean += values[frame * bands + band]! / frames;
    for (let frame = 0; frame < frames; frame++) course[frame] = values[frame * bands + band]! - mean;
    const spectra = stft(course, { size, hop: size / 2 });
    members.forEach((bins, group) => {
      for (const bin of bins) {
        for (let i = 0; i < spectra.frames; i++) {
          power[band * members.length + group]! += spectra.power[i * spectra.bins + bin]! / (spectra.frames * bins.length);
        }
      }
    });
  }
  return { power };
}

/** Welch's frames for sounds of so many log-mel frames: a power of two from 16 to 64. */
export function modulationSize(frames: number): number {
  return Math.min(mostFrames, 2 ** Math.floor(Math.log2(frames)));
}

/** Mean of modulation spectra, for example those of all pieces. */
export function meanModulation(spectra: readonly ModulationSpectrum[]): ModulationSpectrum {
  const power = new Float64Array(spectra[0]!.power.length);
  for (const spectrum of spectra) spectrum.power.forEach((value, i) => (power[i]! += value / spectra.length));
  return { power };
}

/**
 * Distance of two modulation spectra in decibels: the root mean square of 10·log10 of their ratio over all bands and groups. Both
 * too much and too little movement count.
 */
export function modulationDistance(a: ModulationSpectrum, b: ModulationSpectrum): number {
  let sum = 0;
  a.power.forEach((value, i) => (sum += (10 * Math.log10((value + quiet) / (b.power[i]! + quiet))) ** 2));
  return Math.sqrt(sum / a.power.length);
}

/** The bins of every group that has any: with short frames a group may lie between two. */
function groupsOf(size: number, framesPerSecond: number): number[][] {
  const { fromHz, toHz } = range;
  const members = Array.from({ length: groups }, (): number[] => []);
  for (let bin = 1; bin < size / 2; bin++) {
    const hertz = (bin * framesPerSecond) / size;
    if (hertz < fromHz || hertz > toHz) continue;
    const group = Math.floor((groups * Math.log(hertz / fromHz)) / Math.log(toHz / fromHz));
    members[Math.min(groups - 1, group)]!.push(bin);
  }
  return members.filter((bins) => bins.length > 0);
}
