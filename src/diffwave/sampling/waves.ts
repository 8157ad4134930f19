/**
 * A sound made from its beginning on: a stretch of it is finished while what comes later is still noise. A sample of x_{t−1} sees x_t as
 * far as the network's margin on either side, so each reverse step may end a margin before the step above it has ended, and go on from
 * there when that one has: no sample is predicted twice, and every prediction sees what it would see if the steps were walked over the
 * whole clip one after the other. The order is that of skewed tiles in stencil computations (Wonnacott 2000, "Time skewing").
 */
import type { Journey, Move } from './moves.ts';
import type { Stretch } from './tiles.ts';

/** A stretch is so many margins long at least: what its windows see twice is then an eighth of it. */
const leastMargins = 16;

/** Stretches of a long sound, about: more would leave a GPU too little to do at once. */
const usualStretches = 32;

/** What a reverse step does of the clip at one go. */
export interface Wave {
  readonly step: number; // from 0, the noisiest
  readonly part: Stretch;
}

export interface WaveSizes {
  readonly L: number;
  readonly steps: number;
  /** Samples that a prediction sees on either side. */
  readonly halo: number;
  /** Samples that are finished at one go. */
  readonly width: number;
}

/** All that is left to do for a stretch, and where it lies. */
export interface WavesOfStretch {
  readonly waves: readonly Wave[];
  readonly finished: Stretch;
}

/** What has to be done, in this order, for one stretch of the sound after the other. */
export function* wavesOf({ L, steps, halo, width }: WaveSizes): Generator<WavesOfStretch, void> {
  const endOf = (stretch: number, step: number): number => Math.min(L, (stretch + 1) * width + (steps - 1 - step) * halo);
  for (let stretch = 0; stretch * width < L; stretch++) {
    const waves = Array.from({ length: steps }, (_, step): Wave => ({ step, part: [stretch === 0 ? 0 : endOf(stretch - 1, step), endOf(stretch, step)] }));
    yield { waves: waves.filter(({ part: [from, to] }) => from < to), finished: [stretch * width, Math.min(L, (stretch + 1) * width)] };
  }
}

/** The share of all work after which the first stretch is finished. */
export function firstShare(sizes: WaveSizes): number {
  const { value: first } = wavesOf(sizes).next();
  return first!.waves.reduce((sum, { part: [from, to] }) => sum + to - from, 0) / (sizes.steps * sizes.L);
}

/** Samples that are finished at one go, unless somebody says how many. */
export const usualStretch = ({ L, halo }: Pick<WaveSizes, 'L' | 'halo'>): number => Math.max(1, leastMargins * halo, Math.ceil(L / usualStretches));

/**
 * The moves before the reverse steps, and those; undefined where they mix, as around a gap, which is gone over again and again.
 */
export function stepsOf({ moves }: Pick<Journey, 'moves'>): { before: readonly Move[]; steps: readonly Extract<Move, { kind: 'denoise' }>[] } | undefined {
  const first = moves.findIndex(({ kind }) => kind === 'denoise');
  const steps = moves.slice(first).filter((move) => move.kind === 'denoise');
  return first >= 0 && steps.length === moves.length - first ? { before: moves.slice(0, first), steps } : undefined;
}
