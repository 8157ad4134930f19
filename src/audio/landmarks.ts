/**
 * Landmarks of a recording: pairs of peaks of its spectrogram (A. Wang, "An Industrial-Strength Audio Search Algorithm", ISMIR 2003).
 * They stay where they are under gain, filters, noise and coding, and move with the music where a copy begins elsewhere.
 */
import { complexFft } from './fft.ts';
import { hannWindow } from './hann.ts';

export interface Landmarks {
  readonly hop: number; // samples from one frame to the next
  readonly keys: Uint32Array; // (count): two bins of at most 8 bits and their distance of 5 bits, below 2^21
  readonly frames: Uint32Array; // (count): frame of the earlier peak
  readonly power: Float64Array; // (bins): mean |X|² of the frames
}

/** Number of different keys. */
export const LANDMARK_KEYS = 2 ** 21;

const FRAME_SECONDS = 0.07; // as short as the notes of fast music
const LOWEST_HERTZ = 150;
const HIGHEST_HERTZ = 2000; // what phones and coders leave alone
const PEAKS_PER_SECOND = 8;
const PARTNERS = 3;
const LONGEST = 31; // frames between two peaks of a pair, about a second

/**
 * @param samples (L)
 * @param sampleRate in Hz
 * @returns none where the signal is shorter than three frames or has no peaks, as silence
 */
export function landmarks(samples: Float32Array, sampleRate: number): Landmarks {
  const size = Math.min(512, Math.max(64, 2 ** Math.round(Math.log2(FRAME_SECONDS * sampleRate))));
  const hop = size / 2;
  const count = Math.max(0, Math.floor((samples.length - size) / hop) + 1);
  const binHertz = sampleRate / size;
  const low = Math.max(2, Math.ceil(LOWEST_HERTZ / binHertz));
  const high = Math.floor(Math.min(HIGHEST_HERTZ / binHertz, 0.35 * size));
  const { levels, power } = spectrogramOf(samples, { size, hop, count, low, high });
  const peaks = strongestPeaks(levels, { count, low, high, perBlock: PEAKS_PER_SECOND, block: Math.max(1, Math.round(sampleRate / hop)) });
  const keys: number[] = [];
  const frames: number[] = [];
  peaks.forEach(({ frame, bin }, i) => {
    let partners = 0;
    for (let j = i + 1; j < peaks.length && partners < PARTNERS; j++) {
      const distance = peaks[j]!.frame - frame;
      if (distance > LONGEST) break;
      if (distance < 1) continue;
      keys.push((bin * 256 + peaks[j]!.bin) * 32 + distance);
      frames.push(frame);
      partners++;
    }
  });
  return { hop, keys: Uint32Array.from(keys), frames: Uint32Array.from(frames), power };
}

interface Band {
  readonly size: number;
  readonly hop: number;
  readonly count: number; // frames
  readonly low: number; // first bin
  readonly high: number; // first bin beyond
}

/**
 * Levels in nepers of power over each bin's own mean, so that a steady hum has no peaks. Two frames a and b are transformed at once, as
 * a + i·b: the spectra of both are real signals', so A_k = (Z_k + Z*_{−k})/2 and B_k = (Z_k − Z*_{−k})/2i.
 */
function spectrogramOf(samples: Float32Array, { size, hop, count, low, high }: Band): { levels: Float32Array; power: Float64Array } {
  const transform = complexFft(size);
  const window = hannWindow(size);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  const width = high - low;
  const levels = new Float32Array(count * width);
  const power = new Float64Array(size / 2 + 1);
  for (let t = 0; t < count; t += 2) {
    const both = t + 1 < count;
    const at = t * hop;
    for (let n = 0; n < size; n++) {
      re[n] = samples[at + n]! * window[n]!;
      im[n] = both ? samples[at + hop + n]! * window[n]! : 0;
    }
    transform(re, im);
    for (let k = 0; k <= size / 2; k++) {
      const mirrored = (size - k) % size;
      const first = ((re[k]! + re[mirrored]!) ** 2 + (im[k]! - im[mirrored]!) ** 2) / 4;
      const second = ((im[k]! + im[mirrored]!) ** 2 + (re[mirrored]! - re[k]!) ** 2) / 4;
      power[k]! += both ? first + second : first;
      if (k < low || k >= high) continue;
      levels[t * width + k - low] = Math.log(first + 1e-9);
      if (both) levels[(t + 1) * width + k - low] = Math.log(second + 1e-9);
    }
  }
  for (let k = 0; k < power.length; k++) power[k]! /= Math.max(1, count);
  const means = new Float64Array(width);
  for (let t = 0; t < count; t++) for (let k = 0; k < width; k++) means[k]! += levels[t * width + k]! / count;
  for (let t = 0; t < count; t++) for (let k = 0; k < width; k++) levels[t * width + k]! -= means[k]!;
  return { levels, power };
}

interface Peak {
  readonly frame: number;
  readonly bin: number;
  readonly level: number;
}

/** Of every block of frames the strongest of those that stand out of 5 bins × 3 frames around them; by time, then by frequency. */
function strongestPeaks(
  levels: Float32Array, { count, low, high, perBlock, block }: { count: number; low: number; high: number; perBlock: number; block: number },
): Peak[] {
  const width = high - low;
  const stands = (t: number, k: number): boolean => {
    const level = levels[t * width + k]!;
    if (!(level > 0.5)) return false;
    for (let u = t - 1; u <= t + 1; u++) {
      for (let l = k - 2; l <= k + 2; l++) if ((u !== t || l !== k) && levels[u * width + l]! >= level) return false;
    }
    return true;
  };
  const peaks: Peak[] = [];
  for (let from = 1; from < count - 1; from += block) {
    const found: Peak[] = [];
    for (let t = from; t < Math.min(from + block, count - 1); t++) {
      for (let k = 2; k < width - 2; k++) if (stands(t, k)) found.push({ frame: t, bin: k + low, level: levels[t * width + k]! });
    }
    peaks.push(...found.sort((a, b) => b.level - a.level).slice(0, perBlock).sort((a, b) => a.frame - b.frame || a.bin - b.bin));
  }
  return peaks;
}
