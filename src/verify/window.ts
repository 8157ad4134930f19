import { gatherWindow, scatterWindow } from '../ops/window.ts';
import type { KernelCase } from './case.ts';
import { exact, times } from './case.ts';

interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly width: number;
  readonly start: number;
  /** The part of the clip that the window decides: from, to. */
  readonly core: readonly [number, number];
}

function gatherCase({ B, L, width, start, core: [coreStart, coreEnd] }: Sizes): KernelCase {
  return {
    stem: 'window',
    name: `gather ${times(B, width)} at ${start} of ${L}`,
    inputs: { whole: { shape: [B, L] } },
    runs: [{ windowStart: start, coreStart, coreEnd }],
    record: (tape, { whole }) => ({ tile: gatherWindow(tape, whole, width) }),
    expected({ whole }) {
      const at = (i: number): number => Math.floor(i / width) * L + start + (i % width);
      return { tile: exact(Float64Array.from({ length: B * width }, (_, i) => whole[at(i)])) };
    },
  };
}

function scatterCase({ B, L, width, start, core: [coreStart, coreEnd] }: Sizes): KernelCase {
  return {
    stem: 'window',
    name: `scatter ${times(B, width)} at ${start} of ${L}, core ${coreStart}–${coreEnd}`,
    inputs: { tile: { shape: [B, width] }, whole: { shape: [B, L] } },
    runs: [{ windowStart: start, coreStart, coreEnd }],
    record(tape, { tile, whole }) {
      scatterWindow(tape, tile, whole);
      return { whole };
    },
    expected({ tile, whole }) {
      const isCore = (t: number): boolean => t >= coreStart && t < coreEnd;
      const fromTile = (i: number): number => tile[Math.floor(i / L) * width + (i % L) - start];
      return { whole: exact(whole.map((old, i) => (isCore(i % L) ? fromTile(i) : old))) };
    },
  };
}

export const windowCases: readonly KernelCase[] = ([
  { B: 1, L: 1, width: 1, start: 0, core: [0, 1] },
  { B: 2, L: 13, width: 5, start: 0, core: [0, 3] },
  { B: 3, L: 101, width: 67, start: 34, core: [50, 101] },
  { B: 2, L: 70, width: 65, start: 3, core: [20, 21] },
] satisfies Sizes[]).flatMap((sizes: Sizes) => [gatherCase(sizes), scatterCase(sizes)]);
