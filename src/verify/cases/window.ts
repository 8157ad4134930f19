import { gatherWindow, keepOld, scatterWindow } from '../../ops/window.ts';
import type { KernelCase } from '../case.ts';
import { exact, times } from '../case.ts';

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
    record: (tape, { whole }) => ({ tile: gatherWindow(tape, whole!, width) }),
    expected({ whole }) {
      const at = (i: number): number => Math.floor(i / width) * L + around(start + (i % width), L);
      return { tile: exact(Float64Array.from({ length: B * width }, (_, i) => whole![at(i)]!)) };
    },
  };
}

/** As `gatherCase` with saved samples, M of them on each side. */
function gatherOldCase({ B, L, width, start, core: [coreStart, coreEnd], M }: Sizes & { M: number }): KernelCase {
  return {
    stem: 'window',
    name: `gather ${times(B, width)} at ${start} of ${L} with ${M} old samples before ${coreStart}`,
    inputs: { whole: { shape: [B, L] }, before: { shape: [B, M] }, head: { shape: [B, M] } },
    runs: [{ windowStart: start, coreStart, coreEnd }],
    record: (tape, { whole, before, head }) => ({ tile: gatherWindow(tape, whole!, width, { before: before!, head: head! }) }),
    expected({ whole, before, head }) {
      const old = (b: number, place: number): number => {
        if (coreStart > 0 && place >= Math.max(0, coreStart - M) && place < coreStart) return before![b * M + place - coreStart + M]!;
        if (coreStart > 0 && place >= L) return head![b * M + place - L]!;
        return whole![b * L + around(place, L)]!;
      };
      const tile = Float64Array.from({ length: B * width }, (_, i) => old(Math.floor(i / width), start + (i % width)));
      return { tile: exact(tile) };
    },
  };
}

function keepCase({ B, L, width, start, core: [coreStart, coreEnd], M }: Sizes & { M: number }): KernelCase {
  return {
    stem: 'window',
    name: `keep ${M} old samples before ${coreEnd} of ${L} from ${times(B, width)} at ${start}`,
    inputs: {
      whole: { shape: [B, L] }, tile: { shape: [B, width] }, before: { shape: [B, M] }, head: { shape: [B, M] },
    },
    runs: [{ windowStart: start, coreStart, coreEnd }],
    record: (tape, { whole, tile, before, head }) => ({ ...keepOld(tape, { whole: whole!, tile: tile!, old: { before: before!, head: head! } }) }),
    expected({ whole, tile, head }) {
      const margins = (value: (b: number, m: number) => number): Float64Array =>
        Float64Array.from({ length: B * M }, (_, i) => value(Math.floor(i / M), i % M));
      return {
        before: exact(margins((b, m) => (coreEnd - M + m >= start ? tile![b * width + coreEnd - M + m - start]! : 0))),
        head: exact(coreStart === 0 ? margins((b, m) => whole![b * L + around(m, L)]!) : head!),
      };
    },
  };
}

/** A place in a clip of L samples that is a loop. */
function around(place: number, L: number): number {
  return ((place % L) + L) % L;
}

function scatterCase({ B, L, width, start, core: [coreStart, coreEnd] }: Sizes): KernelCase {
  return {
    stem: 'window',
    name: `scatter ${times(B, width)} at ${start} of ${L}, core ${coreStart}–${coreEnd}`,
    inputs: { tile: { shape: [B, width] }, whole: { shape: [B, L] } },
    runs: [{ windowStart: start, coreStart, coreEnd }],
    record(tape, { tile, whole }) {
      scatterWindow(tape, tile!, whole!);
      return { whole: whole! };
    },
    expected({ tile, whole }) {
      const isCore = (t: number): boolean => t >= coreStart && t < coreEnd;
      const fromTile = (i: number): number => tile![Math.floor(i / L) * width + (i % L) - start]!;
      return { whole: exact(whole!.map((old, i) => (isCore(i % L) ? fromTile(i) : old))) };
    },
  };
}

const inClips: readonly KernelCase[] = ([
  { B: 1, L: 1, width: 1, start: 0, core: [0, 1] },
  { B: 2, L: 13, width: 5, start: 0, core: [0, 3] },
  { B: 3, L: 101, width: 67, start: 34, core: [50, 101] },
  { B: 2, L: 70, width: 65, start: 3, core: [20, 21] },
] satisfies Sizes[]).flatMap((sizes: Sizes) => [gatherCase(sizes), scatterCase(sizes)]);

const inLoops: readonly KernelCase[] = [
  gatherCase({ B: 2, L: 3, width: 11, start: -4, core: [0, 3] }), // a clip shorter than the margin goes round twice
  gatherCase({ B: 1, L: 67, width: 20, start: 55, core: [60, 67] }),
];

const inPlace: readonly KernelCase[] = ([
  { B: 1, L: 1, width: 1, start: 0, core: [0, 1], M: 1 },
  { B: 2, L: 40, width: 15, start: 0, core: [0, 9], M: 6 },
  { B: 2, L: 40, width: 15, start: 3, core: [9, 12], M: 6 },
  { B: 3, L: 40, width: 15, start: 25, core: [38, 40], M: 6 },
  { B: 2, L: 40, width: 15, start: -6, core: [0, 3], M: 6 }, // loops
  { B: 2, L: 40, width: 15, start: -3, core: [3, 6], M: 6 },
  { B: 2, L: 40, width: 15, start: 31, core: [37, 40], M: 6 },
] satisfies (Sizes & { M: number })[]).flatMap((sizes: Sizes & { M: number }) => [gatherOldCase(sizes), keepCase(sizes)]);

export const windowCases: readonly KernelCase[] = [...inClips, ...inLoops, ...inPlace];
