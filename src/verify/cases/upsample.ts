import { upsample, upsampleSpectrogram } from '../../ops/upsample.ts';
import { leakyGradient, upsample as upsampleTruth, upsampleBackwardOfSum, upsampledWindow } from '../../reference/upsample.ts';
import type { CaseInput, KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';

interface Shape {
  readonly B: number;
  /** Frames. */
  readonly F: number;
  /** Bands. */
  readonly M: number;
  /** Rows of the result for a frame. */
  readonly s: number;
  readonly why?: string;
}

export function upsampleCase({ why, ...shape }: Shape): KernelCase {
  const { B, F, M, s } = shape;
  return {
    stem: 'upsample',
    name: `${times(B, F, M)} by ${s}${why ? `, ${why}` : ''}`,
    inputs: {
      x: { shape: [B, F, M], gradient: true },
      weight: { shape: [2 * s, 3, 1, 1], gradient: true },
      bias: { shape: [1], gradient: true },
    },
    record: (tape, { x, weight, bias }) => ({ y: upsample(tape, { x: x!, weight: weight!, bias: bias! }) }),
    expected({ 'd y': dOutput, ...given }) {
      const stage = ({ x, weight, bias }: Readonly<Record<string, Float64Array>>) => ({ ...shape, x: x!, weight: weight!, bias: bias! });
      const dz = leakyGradient({ ...stage(given), dOutput: dOutput! });
      return {
        ...sums(given, (each) => ({ y: upsampleTruth(stage(each)) }), { y: 8 }),
        ...sums({ ...given, dz }, ({ dz: gradient, ...each }) => {
          const { dInput, dWeight, dBias } = upsampleBackwardOfSum({ ...stage(each), dz: gradient! });
          return { 'd x': dInput, 'd weight': dWeight, 'd bias': dBias };
        }, { 'd x': 6 * s + 1, 'd weight': B * F * M + 1, 'd bias': B * F * s * M + 1 }),
      };
    },
  };
}

/** Both stages, for a window of a longer clip. */
function windowCase({ B, F, M, s: [s, later], width, start }: {
  B: number; F: number; M: number; s: readonly [number, number]; width: number; start: number;
}): KernelCase {
  const weight = (factor: number): CaseInput => ({ shape: [2 * factor, 3, 1, 1] });
  const bias: CaseInput = { shape: [1], values: [0.7] };
  return {
    stem: 'upsample',
    name: `${times(B, F, M)} by ${s} and ${later}, ${width} rows from ${start}`,
    inputs: { spectrogram: { shape: [B, F, M] }, weight1: weight(s), bias1: bias, weight2: weight(later), bias2: bias },
    runs: [{ windowStart: start }],
    record: (tape, { spectrogram, weight1, bias1, weight2, bias2 }) => ({
      y: upsampleSpectrogram(tape, {
        spectrogram: spectrogram!, width, stages: [{ weight: weight1!, bias: bias1! }, { weight: weight2!, bias: bias2! }],
      }),
    }),
    expected: (given) => sums(given, ({ spectrogram, weight1, bias1, weight2, bias2 }) => ({
      y: upsampledWindow({
        B, F, M, spectrogram: spectrogram!, start, width,
        stages: [{ s, weight: weight1!, bias: bias1! }, { s: later, weight: weight2!, bias: bias2! }],
      }),
    }), { y: 16 }),
  };
}

export const upsampleCases: readonly KernelCase[] = [
  ...[
    { B: 1, F: 1, M: 1, s: 2, why: 'one number' },
    { B: 2, F: 1, M: 5, s: 4, why: 'one frame' },
    { B: 3, F: 7, M: 1, s: 2, why: 'one band' },
    { B: 2, F: 9, M: 2, s: 6 },
    { B: 2, F: 11, M: 3, s: 5, why: 'an odd factor' },
    { B: 1, F: 1, M: 2, s: 3, why: 'an odd factor, one frame' },
    { B: 1, F: 13, M: 3, s: 10, why: 'a number of rows that is no power of two' },
    { B: 2, F: 67, M: 5, s: 2, why: 'partial sums across clips' },
    { B: 2, F: 7, M: 80, s: 16, why: 'lmnt’s' },
    { B: 1, F: 521, M: 3, s: 4, why: 'longer partial sums' },
  ].map(upsampleCase),
  ...([
    { B: 1, F: 1, M: 1, s: [2, 2], width: 1, start: 0 },
    { B: 2, F: 5, M: 3, s: [4, 2], width: 40, start: 0 },
    { B: 2, F: 7, M: 5, s: [2, 6], width: 29, start: 41 },
    { B: 2, F: 5, M: 3, s: [3, 5], width: 37, start: 17 },
    { B: 1, F: 3, M: 4, s: [4, 4], width: 61, start: -7 },
    { B: 2, F: 9, M: 8, s: [16, 16], width: 67, start: 1234 },
  ] as const).map(windowCase),
];
