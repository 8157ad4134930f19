/** The second witness of every gradient: central finite differences in float64. */
import { normals } from '../../src/reference/random.ts';
import { gradientByDifferences } from '../../src/verify/differences.ts';
import { assertClose, largest } from '../close.ts';

/** Two orders of magnitude above what the differences are off by; relative to the tensor's largest gradient. */
const TOLERANCE = 1e-7;

/** Fails unless `analytic` is the gradient of `value()` in `at`, which is moved element by element and restored. */
export function assertGradient(
  { analytic, at, value, what, tolerance = TOLERANCE }: {
    analytic: Float64Array;
    at: Float64Array;
    value: () => number;
    what: string;
    tolerance?: number;
  },
): void {
  const numeric = gradientByDifferences(at, value);
  assertClose(analytic, numeric, { atol: tolerance * Math.max(largest(numeric), 1e-3), what });
}

/** Σ aᵢ·bᵢ: turns an op's output into one number whose gradient in that output is the other factor. */
export function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

let streams = 0;

/** `length` normal numbers, others at every call and the same in every run. */
export function random(length: number): Float64Array {
  return normals({ seed: 1, stream: streams++, step: 0, item: 0, length });
}

/** Normal numbers kept 0.01 away from zero, where relu and the L1 loss have their kink. */
export function randomOffZero(length: number): Float64Array {
  return random(length).map((x) => x + 0.01 * (x < 0 ? -1 : 1));
}
