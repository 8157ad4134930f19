/** The one way in which tests compare numbers. */

/**
 * Throws unless |got − want| ≤ atol + rtol·|want| at every index. The message has the index with the largest error,
 * both numbers there and how many are off. NaN and infinities fail on either side, and so do different lengths and
 * empty arrays, which would prove nothing.
 */
export function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  { atol = 0, rtol = 0, what }: { atol?: number; rtol?: number; what: string },
): void {
  if (got.length !== want.length) throw new Error(`${what}: got ${got.length} numbers, wanted ${want.length}`);
  if (want.length === 0) throw new Error(`${what}: there is nothing to compare`);
  let misses = 0;
  let worst = { index: -1, error: -1 };
  for (let index = 0; index < want.length; index++) {
    const error = Math.abs(got[index]! - want[index]!);
    // An infinite `want` would make the tolerance infinite and accept anything.
    if (Number.isFinite(error) && error <= atol + rtol * Math.abs(want[index]!)) continue;
    misses++;
    const size = Number.isFinite(error) ? error : Infinity;
    if (size > worst.error) worst = { index, error: size };
  }
  if (misses > 0) {
    const { index, error } = worst;
    throw new Error(
      `${what}: ${misses} of ${want.length} numbers are off, worst at ${index}: got ${got[index]}, ` +
        `wanted ${want[index]}, error ${error} with atol ${atol} and rtol ${rtol}`,
    );
  }
}

/** The largest absolute value, for tolerances relative to a whole tensor; NaN if there is one. */
export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
