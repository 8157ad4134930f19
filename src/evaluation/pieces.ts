/** Pieces of clips, as long as the samples that they are compared with. */
import type { ClipSource } from '../diffwave/data/clips.ts';
import { checkedClip, subset } from '../diffwave/data/clips.ts';
import { streams } from '../diffwave/streams.ts';
import { uniform } from '../random.ts';

/**
 * `count` pieces of `length` samples from random places of clips. No clip gives a second piece before every one has given its
 * first: so they come from as many tracks as can be. A function of seed and draw.
 */
export function drawPieces(clips: ClipSource, options: { count: number; length: number; seed: number; draw: number }): Float32Array[] {
  const { count, length, seed, draw } = options;
  const random = (item: number, index: number): number =>
    uniform({ seed, stream: streams.evaluationPieces, step: draw, item, index });
  const order = Array.from({ length: clips.clipCount }, (_, clip) => ({ clip, key: random(clip, 0) }))
    .sort((a, b) => a.key - b.key || a.clip - b.clip);
  return Array.from({ length: count }, (_, i) => {
    const clip = checkedClip(clips, order[i % order.length]!.clip);
    const start = Math.floor(random(i, 1) * (clips.clipSamples - length + 1));
    return clip.slice(start, start + length);
  });
}

/** At most so many of the clips, spread evenly over all. */
export function some(clips: ClipSource, most: number): ClipSource {
  const count = Math.min(clips.clipCount, most);
  return subset(clips, Array.from({ length: count }, (_, i) => Math.floor((i * clips.clipCount) / count)));
}

/** The clips cut into pieces of `length` samples that cover them, overlapping where the length does not divide the clip. */
export function coverWithPieces(clips: ClipSource, length: number): Float32Array[] {
  const perClip = Math.ceil(clips.clipSamples / length);
  return Array.from({ length: clips.clipCount * perClip }, (_, i) => {
    const clip = checkedClip(clips, Math.floor(i / perClip));
    const start = perClip === 1 ? 0 : Math.round(((i % perClip) * (clips.clipSamples - length)) / (perClip - 1));
    return clip.slice(start, start + length);
  });
}

/** Sounds of any lengths cut into whole pieces of `length` samples; what is left over at an end is not looked at. */
export function cutIntoPieces(sounds: readonly Float32Array[], length: number): Float32Array[][] {
  return sounds.map((sound) =>
    Array.from({ length: Math.floor(sound.length / length) }, (_, i) => sound.slice(i * length, (i + 1) * length)));
}
