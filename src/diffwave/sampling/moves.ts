/**
 * A walk between noise and sound as data: where it starts, and the moves that lead to its end. What a user can ask for
 * (`verbs.ts`) differs in the list alone; whatever executes it (`sampling.ts`) knows three moves.
 */
import type { Level } from '../schedule/level.ts';
import { clean } from '../schedule/level.ts';

/** `draw` numbers the noise of a move among those of its kind; the same draw is the same noise. */
export type Move =
  /** One step of the sampler, to a cleaner level. */
  | { readonly kind: 'denoise'; readonly from: Level; readonly to: Level; readonly draw: number }
  /** The forward process, to a noisier level: x = √(ᾱ_to/ᾱ_from)·x + √(1 − ᾱ_to/ᾱ_from)·z. */
  | { readonly kind: 'renoise'; readonly from: Level; readonly to: Level; readonly draw: number }
  /** The known samples at this level: x = √ᾱ·known + √(1−ᾱ)·z outside of the gap. */
  | { readonly kind: 'impose'; readonly at: Level; readonly draw: number };

export interface Journey {
  /** Pure noise, or a sound times a factor. */
  readonly start: 'noise' | { readonly audio: Float32Array; readonly gain: number };
  readonly moves: readonly Move[];
  /** What `impose` knows: a sound of L samples, of which those in the gap do not count. */
  readonly known?: { readonly audio: Float32Array; readonly gap: readonly [from: number, to: number] };
  /** Noise drawn on the way would spoil it. */
  readonly mustBeDeterministic?: boolean;
}

/** From the noisiest of these levels (cleanest first) down to the sound. */
export function walkBack(levels: readonly Level[]): Move[] {
  return levels.map((from, i): Move => ({ kind: 'denoise', from, to: levels[i - 1] ?? clean, draw: i })).reverse();
}

/** From a sound up to the noisiest of these levels, and back: what is left of it is what that level lets through. */
export function forthAndBack(levels: readonly Level[]): Move[] {
  return [{ kind: 'renoise', from: clean, to: levels.at(-1)!, draw: 0 }, ...walkBack(levels)];
}

/**
 * Filling a gap between known samples, RePaint (Lugmayr et al. 2022, algorithm 1): after each step back the known part
 * is replaced by itself at that level (eq. 8a). So that both parts come to fit, the walk goes `jump` levels back and
 * up again (there step by step, here in one move), and takes every such stretch `resamplings` times; only the last
 * one, which ends at the sound, is walked once. Unlike there, the start is imposed too: ᾱ_T need not be near 0.
 */
export function fillGap(levels: readonly Level[], options: { resamplings: number; jump: number }): Move[] {
  const { resamplings, jump } = options;
  const at = (i: number): Level => (i < 0 ? clean : levels[i]!);
  const moves: Move[] = [];
  let [imposed, renoised] = [0, 0];
  const impose = (i: number): void => void moves.push({ kind: 'impose', at: at(i), draw: imposed++ });

  let top = levels.length - 1;
  impose(top);
  while (top >= 0) {
    const bottom = Math.max(-1, top - jump);
    const times = bottom < 0 ? 1 : resamplings;
    for (let visit = 0; visit < times; visit++) {
      if (visit > 0) {
        moves.push({ kind: 'renoise', from: at(bottom), to: at(top), draw: renoised++ });
        impose(top);
      }
      for (let i = top; i > bottom; i--) {
        moves.push({ kind: 'denoise', from: at(i), to: at(i - 1), draw: i + visit * levels.length });
        impose(i - 1);
      }
    }
    top = bottom;
  }
  return moves;
}

/** The levels below `top` (cleanest first), and `top` itself as the noisiest. */
export function levelsUpTo(levels: readonly Level[], top: Level): Level[] {
  return [...levels.filter(({ t }) => t < top.t), top];
}
