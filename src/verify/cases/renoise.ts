import { impose, renoise } from '../../ops/renoise.ts';
import { renoise as renoiseTruth } from '../../reference/renoise.ts';
import type { Expected, KernelCase } from '../case.ts';
import { roundingError, times } from '../case.ts';

interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly width: number;
  /** The part of the clip that is changed: from, to. */
  readonly core: readonly [number, number];
  /** The part that `impose` leaves as it is. */
  readonly gap: readonly [number, number];
}

const levels = { signalLevel: 0.8, noiseLevel: 0.6 };

function renoiseCase(entry: 'renoise' | 'impose', { B, L, width, core, gap }: Sizes): KernelCase {
  const [coreStart, coreEnd] = core;
  const imposes = entry === 'impose';
  return {
    stem: 'renoise',
    name: `${entry} ${times(B, L)}, core ${core.join('–')}${imposes ? `, gap ${gap.join('–')}` : ''}`,
    inputs: { x: { shape: [B, L] }, noise: { shape: [B, width] }, known: { shape: [B, L] } },
    runs: [{ ...levels, coreStart, coreEnd, gapStart: gap[0], gapEnd: gap[1] }],
    record: (tape, { x, noise, known }) => ({ next: imposes ? impose(tape, { x: x!, noise: noise!, known: known! }) : renoise(tape, { x: x!, noise: noise! }) }),
    expected({ x, noise, known }): Record<string, Expected> {
      const isChanged = (t: number): boolean =>
        t >= coreStart && t < coreEnd && !(imposes && t >= gap[0] && t < gap[1]);
      // z at the places of x; what is not changed needs none
      const z = x!.map((_, i) => (isChanged(i % L) ? noise![Math.floor(i / L) * width + (i % L) - coreStart]! : 0));
      const source = imposes ? known : x;
      const value = renoiseTruth({ x: source!, noise: z, ...levels });
      const scale = renoiseTruth({ x: source!.map(Math.abs), noise: z.map(Math.abs), ...levels });
      const keep = (i: number): boolean => !isChanged(i % L);
      return {
        next: {
          value: value.map((changed, i) => (keep(i) ? x![i]! : changed)),
          scale: scale.map((changed, i) => (keep(i) ? 0 : changed)),
          tolerance: roundingError(3), // the level, a product, the sum
        },
      };
    },
  };
}

export const renoiseCases: readonly KernelCase[] = ([
  { B: 1, L: 1, width: 1, core: [0, 1], gap: [0, 0] },
  { B: 2, L: 13, width: 5, core: [3, 8], gap: [4, 6] },
  { B: 3, L: 101, width: 67, core: [34, 97], gap: [90, 101] },
] satisfies Sizes[]).flatMap((sizes: Sizes) => [renoiseCase('renoise', sizes), renoiseCase('impose', sizes)]);
