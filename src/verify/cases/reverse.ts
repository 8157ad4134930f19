import type { Tensor } from '../../autograd/tensor.ts';
import { areInFours, reverseStep, reverseValues } from '../../ops/reverse.ts';
import { generalStep } from '../../reference/reverse.ts';
import type { Expected, KernelCase } from '../case.ts';
import { roundingError, times } from '../case.ts';

interface Options {
  readonly B: number;
  readonly L: number;
  /** Samples of the tile; the whole clip if absent. */
  readonly width?: number;
  /** Where the tile begins in the clip. */
  readonly start?: number;
  /** The part of the clip that is updated: from, to. */
  readonly core?: readonly [number, number];
  /** Whether x̂_0 of the step before is used. */
  readonly history?: boolean;
  readonly limit?: number;
  readonly ofNoise?: number;
}

export function reverseCase(options: Options): KernelCase {
  const { B, L, width = L, start = 0, core: [coreStart, coreEnd] = [0, L], history = false, limit, ofNoise = 0.1 } = options;
  const coefficients = {
    fromX: 1.1, fromOutput: -0.4, ofX: 0.7, ofX0: 0.4, ofNoise, ofPrevious: history ? -0.2 : 0,
  };
  const notes = [
    width !== L && `core ${coreStart}–${coreEnd} of a tile of ${width} at ${start}`,
    history && 'history',
    limit !== undefined && `limit ${limit}`,
    ofNoise === 0 && 'no noise',
  ].filter(Boolean);
  return {
    stem: 'reverse',
    name: [times(B, L), ...notes].join(', '),
    inputs: {
      x: { shape: [B, L] }, output: { shape: [B, width] }, noise: { shape: [B, width] },
      ...(history ? { previous: { shape: [B, L] } } : {}),
    },
    runs: [{ windowStart: start, coreStart, coreEnd, ...reverseValues(coefficients, limit) }],
    record(tape, { x, output, noise, previous }): Record<string, Tensor> {
      const next = reverseStep(tape, { x: x!, output: output!, noise: noise!, previous, inFours: areInFours(start, coreStart, coreEnd) });
      return history ? { next, x0: previous! } : { next };
    },
    expected({ x, output, noise, previous = new Float64Array(B * L) }): Record<string, Expected> {
      const isCore = (i: number): boolean => i % L >= coreStart && i % L < coreEnd;
      const ofTile = (tile: Float64Array, from: number): Float64Array =>
        x!.map((_, i) => (isCore(i) ? tile[Math.floor(i / L) * width + (i % L) - from]! : 0));
      const terms = { x: x!, output: ofTile(output!, start), noise: ofTile(noise!, coreStart), previous };
      const { next, x0 } = generalStep({ ...terms, ...coefficients, limit });
      const scales = generalStep({
        x: x!.map(Math.abs), output: terms.output.map(Math.abs),
        noise: terms.noise.map(Math.abs), previous: previous.map(Math.abs),
        fromX: 1.1, fromOutput: 0.4, ofX: 0.7, ofX0: 0.4, ofNoise, ofPrevious: Math.abs(coefficients.ofPrevious),
      });
      const inCore = (value: Float64Array, old: Float64Array): Float64Array =>
        value.map((changed, i) => (isCore(i) ? changed : old[i]!));
      const nothing = new Float64Array(B * L);
      // x̂_0: two products, a sum; x_s: a product of each, three sums
      const expect = (value: Float64Array, old: Float64Array, scale: Float64Array, roundings: number): Expected =>
        ({ value: inCore(value, old), scale: inCore(scale, nothing), tolerance: roundingError(roundings) });
      return {
        next: expect(next, x!, scales.next, 9),
        ...(history ? { x0: expect(x0, previous, scales.x0, 4) } : {}),
      };
    },
  };
}

export const reverseCases: readonly KernelCase[] = ([
  { B: 1, L: 1 },
  { B: 3, L: 7, ofNoise: 0 },
  { B: 2, L: 65, limit: 0.5 },
  { B: 2, L: 70, width: 31, start: 11, core: [15, 40], history: true },
  { B: 2, L: 1400, width: 1037, start: 300, core: [307, 1331], history: true }, // several workgroups an item
  { B: 2, L: 1400, width: 1036, start: 300, core: [308, 1332], history: true, limit: 0.5 }, // the same in fours
  { B: 3, L: 28, width: 16, start: -4, core: [0, 8] },
  { B: 3, L: 23, width: 12, start: -4, core: [0, 8], history: true, limit: 1 },
] satisfies Options[]).map((options: Options) => reverseCase(options));
