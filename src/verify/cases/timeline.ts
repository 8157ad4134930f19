import { timeline } from '../../ops/timeline.ts';
import { timeline as timelineTruth } from '../../reference/timeline.ts';
import type { KernelCase } from '../case.ts';
import { divisionRoundings, sums, times } from '../case.ts';

interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly C: number;
  readonly places: readonly number[];
  /** Where the window begins, and samples of the clip. */
  readonly start?: number;
  readonly clip?: number;
}

export function timelineCase({ B, L, C, places, start = 0, clip = L }: Sizes): KernelCase {
  return {
    stem: 'timeline',
    name: `${times(B, L, C)} at ${start} of ${clip}, rows at ${places.join(' ')}`,
    inputs: { rows: { shape: [places.length, C] } },
    runs: [{ windowStart: start }],
    record(tape, { rows }) {
      const at = tape.constant('places', [places.length], Uint32Array.from(places));
      return { y: timeline(tape, rows!, { places: at, B, L, length: clip }) };
    },
    expected: (given) => sums(
      given, ({ rows }) => ({ y: timelineTruth({ rows: rows!, places, B, L, C, start, clip }) }),
      { y: divisionRoundings + 4 }, // a, 1 − a, two products, a sum
    ),
  };
}

export const timelineCases: readonly KernelCase[] = [
  { B: 1, L: 1, C: 1, places: [0] },
  { B: 2, L: 7, C: 3, places: [0, 6] },
  { B: 1, L: 65, C: 4, places: [3, 4, 50] },
  { B: 2, L: 33, C: 8, places: [10, 90], start: 60, clip: 101 },
  { B: 1, L: 40, C: 4, places: [0, 30], start: -9, clip: 37 }, // a loop: goes round at both ends
  { B: 1, L: 5, C: 12, places: [100, 200], start: 2 ** 24 - 1, clip: 2 ** 25 },
].map(timelineCase);
