/** Numbers out of noisy measurements. */

/** The exponent p of cost = c·size^p that fits best: the slope of least squares through the logarithms. */
export function fittedExponent(points: readonly { readonly size: number; readonly cost: number }[]): number {
  const logs = points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }));
  const mean = (of: (point: { x: number; y: number }) => number) => logs.reduce((sum, p) => sum + of(p), 0) / logs.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const covariance = mean(({ x, y }) => (x - meanX) * (y - meanY));
  return covariance / mean(({ x }) => (x - meanX) ** 2);
}

/**
 * What was measured between probes, relative to them: `between[i]` over the mean of `around[i]` and `around[i + 1]`.
 * Noise that is slower than one measurement cancels.
 */
export function ratiosToNeighbours(between: readonly number[], around: readonly number[]): number[] {
  if (around.length !== between.length + 1) throw new RangeError(`${between.length} values want one probe more, got ${around.length}`);
  return between.map((value, i) => value / ((around[i]! + around[i + 1]!) / 2));
}
