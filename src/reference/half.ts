/** Largest finite number of f16. */
export const largestHalf = 65504;

/**
 * The number of f16 (IEEE 754 binary16: 11 places, exponents from −14) that is nearest to `value`, of two as near the even one.
 * What is larger than the largest becomes that, as kernels have it that stage operands; NaN stays.
 */
export function roundToHalf(value: number): number {
  const size = Math.abs(value);
  if (size > largestHalf) return Math.sign(value) * largestHalf;
  if (size === 0) return value;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(size)), -14) - 10); // log2 of a power of two is exact
  const units = value / unit;
  const below = Math.floor(units);
  const rest = units - below;
  return (rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below) * unit;
}
