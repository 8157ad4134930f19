import { fir } from '../../ops/fir.ts';
import { fir as firTruth } from '../../reference/fir.ts';
import type { KernelCase } from '../case.ts';
import { roundingError, times } from '../case.ts';

interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly K: number;
  /** Samples that a part can have at most. */
  readonly width: number;
  /** The part: from, to. */
  readonly core: readonly [number, number];
  readonly circular?: boolean;
}

export function firCase({ B, L, K, width, core: [coreStart, coreEnd], circular = false }: Sizes): KernelCase {
  const [N, H] = [width + K - 1, Math.max(1, Math.min(K - 1, L))];
  return {
    stem: 'fir',
    name: `${times(B, L)} K=${K}${circular ? ' circular' : ''}, part ${coreStart}–${coreEnd} of at most ${width}`,
    inputs: {
      clip: { shape: [B, L] },
      stretch: { shape: [B, N] },
      taps: { shape: [K] },
      ...(circular && { head: { shape: [B, H] } }),
    },
    runs: [{ coreStart, coreEnd }],
    record(tape, { clip, stretch, taps, head }) {
      fir(tape, { clip: clip!, stretch: stretch!, taps: taps!, head });
      return { clip: clip! };
    },
    expected({ clip, stretch, taps, head }) {
      // An item's noise as the kernel should see it; NaN where it must not look.
      const noiseOf = (b: number): Float64Array => Float64Array.from({ length: L + K - 1 }, (_, i) => {
        if (circular && i >= L) return head![b * H + (i % L)]!;
        return i >= coreStart && i < coreStart + N ? stretch![b * N + i - coreStart]! : NaN;
      });
      const filtered = (into: Float64Array, change: (value: number) => number): Float64Array => {
        for (let b = 0; b < B; b++) {
          const part = firTruth({ noise: noiseOf(b).map(change), taps: taps!.map(change) }).subarray(coreStart, coreEnd);
          into.set(part, b * L + coreStart);
        }
        return into;
      };
      const value = filtered(clip!.slice(), (x) => x);
      return { clip: { value, scale: filtered(new Float64Array(B * L), Math.abs), tolerance: roundingError(K + 1) } };
    },
  };
}

export const firCases: readonly KernelCase[] = ([
  { B: 1, L: 1, K: 1, width: 1, core: [0, 1] },
  { B: 3, L: 71, K: 5, width: 71, core: [0, 71] },
  { B: 2, L: 70, K: 9, width: 67, core: [3, 70] },
  { B: 2, L: 70, K: 9, width: 40, core: [11, 30] }, // what is around stays as it is
  { B: 1, L: 5, K: 33, width: 5, core: [0, 5] },
  { B: 2, L: 70, K: 9, width: 67, core: [3, 70], circular: true },
  { B: 2, L: 70, K: 9, width: 64, core: [0, 64], circular: true },
  { B: 3, L: 5, K: 17, width: 5, core: [0, 5], circular: true }, // goes round three times
] satisfies Sizes[]).map(firCase);
