/** Clips as a network sees them, and the scale that makes their RMS 1. */
import type { Shaping } from '../../audio/shaping.ts';
import { isUnshaped, shape } from '../../audio/shaping.ts';
import type { ClipSource } from './clips.ts';

/** The clips as a network sees them. */
export function shapedClips(clips: ClipSource, shaping: Shaping): ClipSource {
  if (isUnshaped(shaping)) return clips;
  return { clipCount: clips.clipCount, clipSamples: clips.clipSamples, clip: (i) => shape(clips.clip(i), shaping) };
}

/** Clips that the scale is taken from: past that it changes little and takes seconds. */
const mostClips = 500;

/** The scale that gives the clips an RMS of 1 behind the filter. 1 where they are silent. */
export function unitScale(clips: ClipSource, emphasis: number): number {
  const count = Math.min(clips.clipCount, mostClips);
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const clip = clips.clip(Math.floor((i * clips.clipCount) / count));
    for (const value of shape(clip, { scale: 1, emphasis })) squares += value * value;
  }
  return squares > 0 ? Math.sqrt((count * clips.clipSamples) / squares) : 1;
}
