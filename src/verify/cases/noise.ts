import { noise, noiseValues } from '../../ops/noise.ts';
import { normals } from '../../reference/random.ts';
import type { KernelCase } from '../case.ts';
import { roundingError, times } from '../case.ts';

/**
 * Of √(−2 ln u): the polynomial of the logarithm, the product, and a square root, for which WGSL allows five. Of the
 * sine: the angle, the polynomial, and the product of both.
 */
const roundings = 16;

export function noiseCase({ B, L, seed, step, stream, firstItem, start = 0, later = 0 }: {
  B: number; L: number; seed: number; step: number; stream: number; firstItem: number; start?: number; later?: number;
}): KernelCase {
  return {
    stem: 'noise',
    name: `${times(B, L)} seed ${seed} step ${step} stream ${stream} item ${firstItem}${later ? ` + ${later}` : ''} from ${start}`,
    inputs: {},
    runs: [noiseValues({ seed, step, start, item: later })],
    record: (tape) => ({ z: noise(tape, { B, L, stream, firstItem }) }),
    expected() {
      // Normals come in pairs (r·cos φ, r·sin φ), and r is what errors scale with: whole pairs are drawn.
      const offset = start - (start % 2);
      const length = 2 * Math.ceil((start - offset + L) / 2);
      const items = Array.from({ length: B }, (_, b) => normals({ seed, stream, step, item: firstItem + later + b, length, offset }));
      const radii = items.map((item) => item.map((z, i) => Math.hypot(z, item[i ^ 1]!)));
      const join = (parts: Float64Array[]) =>
        Float64Array.from(parts.flatMap((part) => [...part.subarray(start - offset, start - offset + L)]));
      return { z: { value: join(items), scale: join(radii), tolerance: roundingError(roundings) } };
    },
  };
}

export const noiseCases: readonly KernelCase[] = [
  { B: 1, L: 1, seed: 0, step: 0, stream: 0, firstItem: 0 },
  { B: 3, L: 7, seed: 7, step: 3, stream: 5, firstItem: 11 },
  { B: 3, L: 132, seed: 3, step: 1, stream: 2, firstItem: 0 }, // whole blocks only
  { B: 2, L: 2 ** 12 + 1, seed: 2 ** 53 - 1, step: 2 ** 32 - 1, stream: 4, firstItem: 2 ** 31 },
  { B: 1, L: 2 ** 16, seed: 2 ** 32, step: 199, stream: 6, firstItem: 1 },
  ...[1, 2, 3, 4, 7].map((start) => ({ B: 2, L: 6, seed: 3, step: 2, stream: 6, firstItem: 0, start })),
  { B: 2, L: 9, seed: 3, step: 2, stream: 6, firstItem: 1, start: 2 ** 31 - 5 },
  { B: 3, L: 5, seed: 3, step: 2, stream: 1, firstItem: 2, later: 40 },
].map(noiseCase);
