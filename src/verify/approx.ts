/** Values with bounds on their errors, carried through a chain of operations: for kernels that do several at once. */
import type { Expected } from './case.ts';
import { roundingError, unitRoundoff } from './case.ts';

/** |got − value| ≤ error, element by element. */
export interface Approx {
  readonly value: Float64Array;
  readonly error: Float64Array;
}

export function given(value: Float64Array): Approx {
  return { value, error: new Float64Array(value.length) };
}

/** The result as a case expects it: errors count in units of their bound. */
export function expectedOf({ value, error }: Approx): Expected {
  return { value, scale: error, tolerance: 1 };
}

/**
 * A factor as a kernel stages it, which never turns two numbers round: what lies between `value − error` and `value + error` ends
 * up between what these two become.
 */
export function staged(round: (value: Float64Array) => Float64Array, { value, error }: Approx): Approx {
  const [rounded, least, most] = [value, value.map((v, i) => v - error[i]!), value.map((v, i) => v + error[i]!)].map(round);
  return { value: rounded!, error: rounded!.map((v, i) => Math.max(most![i]! - v, v - least![i]!)) };
}

/**
 * `f` is linear in each of its two arguments; every element of the result is a sum of `terms` products, whose additions have
 * errors of so many times that of one rounding.
 */
export function bilinear(
  f: (a: Float64Array, b: Float64Array) => Float64Array,
  { a, b, terms, additionError = 1 }: { a: Approx; b: Approx; terms: number; additionError?: number },
): Approx {
  const [sizeA, sizeB] = [a.value.map(Math.abs), b.value.map(Math.abs)];
  const [fromA, fromB, size] = [f(a.error, sizeB), f(sizeA, b.error), f(sizeA, sizeB)];
  const rounding = additionError * roundingError(terms + 1);
  return { value: f(a.value, b.value), error: size.map((sum, i) => rounding * sum + fromA[i]! + fromB[i]!) };
}

/** `f` is linear; every element of the result is a sum of `terms` numbers. */
export function linear(f: (a: Float64Array) => Float64Array, { a, terms }: { a: Approx; terms: number }): Approx {
  const [size, fromA] = [f(a.value.map(Math.abs)), f(a.error)];
  return { value: f(a.value), error: size.map((sum, i) => roundingError(terms) * sum + fromA[i]!) };
}

/** An element-wise function, itself off by `error` at most, whose derivative is at most `slope`. */
export function smooth(
  f: (x: number) => number,
  { a, slope, error }: { a: Approx; slope: number; error: number },
): Approx {
  return { value: a.value.map(f), error: a.error.map((own) => slope * own + error) };
}

/** Element by element. */
export function product(a: Approx, b: Approx): Approx {
  return bilinear((x, y) => x.map((value, i) => value * y[i]!), { a, b, terms: 1 });
}

/** Element by element; `b` is repeated to the length of `a`. */
export function sum(a: Approx, b: Approx): Approx {
  const n = b.value.length;
  const value = a.value.map((x, i) => x + b.value[i % n]!);
  const size = a.value.map((x, i) => Math.abs(x) + Math.abs(b.value[i % n]!));
  return { value, error: size.map((own, i) => unitRoundoff * own + a.error[i]! + b.error[i % n]!) };
}

/** The factor is rounded, too. */
export function scaled(a: Approx, factor: number): Approx {
  return linear((x) => x.map((value) => factor * value), { a, terms: 2 });
}

/** (rows, 2C) into its first and second C columns. */
export function halves({ value, error }: Approx, C: number): [Approx, Approx] {
  const part = (values: Float64Array, second: boolean) =>
    values.filter((_, i) => i % (2 * C) >= C === second);
  return [
    { value: part(value, false), error: part(error, false) },
    { value: part(value, true), error: part(error, true) },
  ];
}

/** The opposite of `halves`. */
export function joined(first: Approx, second: Approx, C: number): Approx {
  const join = (a: Float64Array, b: Float64Array) =>
    Float64Array.from({ length: 2 * a.length }, (_, i) => {
      const at = Math.floor(i / (2 * C)) * C + (i % C);
      return i % (2 * C) < C ? a[at]! : b[at]!;
    });
  return { value: join(first.value, second.value), error: join(first.error, second.error) };
}
