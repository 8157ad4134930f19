/** Something like music to measure with: plucked notes in a rhythm, another tune for every number. */
import { normals } from '../../src/reference/random.ts';
import { uniform } from '../../src/random.ts';
import type { ClipSource } from '../../src/diffwave/data/clips.ts';

export const sampleRate = 4000;
const scale = [0, 2, 4, 7, 9, 12, 14, 16];

/** `samples` samples of tune `tune`: two to five notes a second, each with a click, eight overtones at most and a decay. */
export function tuneOf(tune: number, samples: number): Float32Array {
  const random = (index: number): number => uniform({ seed: 5, stream: 1, step: 0, item: tune, index });
  const beat = Math.round(sampleRate * (0.2 + 0.3 * random(0)));
  const root = 110 * 2 ** random(1);
  const sound = new Float32Array(samples);
  const hiss = normals({ seed: 5, stream: 2, step: 0, item: tune, length: samples });
  for (let note = 0, start = 0; start < samples; note++, start += beat) {
    const hertz = root * 2 ** (scale[Math.floor(random(2 + 3 * note) * scale.length)]! / 12);
    const loud = 0.1 + 0.2 * random(3 + 3 * note);
    const decay = 0.05 + 0.2 * random(4 + 3 * note);
    for (let n = start; n < samples; n++) {
      const t = (n - start) / sampleRate;
      const fade = Math.exp(-t / decay);
      if (fade < 1e-4) break;
      for (let k = 1; k <= 8 && k * hertz < 0.45 * sampleRate; k++) {
        sound[n]! += ((loud * fade) / k ** 1.3) * Math.sin(2 * Math.PI * hertz * k * t);
      }
      sound[n]! += loud * 0.3 * Math.exp(-t / 0.01) * hiss[n]!;
    }
  }
  return sound.map((value, n) => value + 0.001 * hiss[n]!);
}

/** Clips of the tunes from `first` on. */
export function tunes(first: number, count: number, samples: number): ClipSource {
  const clips = Array.from({ length: count }, (_, i) => tuneOf(first + i, samples));
  return { clipCount: count, clipSamples: samples, clip: (i) => clips[i]! };
}

/** White noise of variance 1. */
export function white(item: number, length: number): Float32Array {
  return Float32Array.from(normals({ seed: 6, stream: 0, step: 0, item, length }));
}

/** Pieces of `size` samples in another order, faded in and out over 2 ms so that no click is added. */
export function shuffled(sound: Float32Array, size: number): Float32Array {
  const count = Math.floor(sound.length / size);
  const key = (i: number): number => uniform({ seed: 7, stream: 0, step: count, item: 0, index: i });
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => key(a) - key(b));
  const fade = Math.min(Math.floor(size / 4), Math.round(0.002 * sampleRate));
  const result = new Float32Array(sound.length);
  order.forEach((from, to) => {
    for (let n = 0; n < size; n++) {
      result[to * size + n] = sound[from * size + n]! * Math.min(1, (n + 1) / fade, (size - n) / fade);
    }
  });
  return result;
}
