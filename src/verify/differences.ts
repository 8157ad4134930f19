/** The second witness of a gradient, or its only one: central finite differences in float64. */
import type { Expected, Given } from './case.ts';
import { roundingError } from './case.ts';

/**
 * Where values are about 1, the formula's own error is of the order h²·f‴/6 ≈ 2e-11, the rounding of f some
 * 1e-16·|f|/h ≈ 1e-11.
 */
const step = 1e-5;

/** The gradient of `value()` in `at`, which is moved element by element and put back. */
export function gradientByDifferences(at: Float64Array, value: () => number): Float64Array {
  return at.map((x, i) => {
    at[i] = x + step;
    const above = value();
    at[i] = x - step;
    const below = value();
    at[i] = x;
    return (above - below) / (2 * step);
  });
}

/**
 * What a `KernelCase` expects of an operation whose forward formula alone is known: `forward` computes its outputs, by name,
 * from its inputs in float64; the gradients in the inputs named in `gradients` follow by differences. A result may be off by
 * as many `roundings` to float32 as its longest chain of operations has, relative to the largest number of its tensor. Costs
 * two evaluations an element: for small shapes. Inputs must stay away from kinks (`edges`, `values` of a `CaseInput`).
 */
export function expectedByDifferences(options: {
  readonly forward: (inputs: Given) => Readonly<Record<string, Float64Array>>;
  readonly gradients: readonly string[];
  readonly roundings: number;
}): (given: Given) => Readonly<Record<string, Expected>> {
  const { forward, gradients, roundings } = options;
  const relativeToLargest = (value: Float64Array): Expected => {
    const largest = value.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
    return { value, scale: value.map(() => largest), tolerance: roundingError(roundings) };
  };
  return (given) => {
    const inputs = Object.fromEntries(Object.entries(given).map(([name, values]) => [name, values.slice()]));
    /** Σ y·dy over all outputs that somebody reads: its gradient in an input is what is wanted. */
    const value = (): number =>
      Object.entries(forward(inputs)).reduce((sum, [name, y]) =>
        sum + (given[`d ${name}`]?.reduce((total, dy, i) => total + dy * y[i]!, 0) ?? 0), 0);
    return Object.fromEntries([
      ...Object.entries(forward(inputs)).map(([name, y]) => [name, relativeToLargest(y)]),
      ...gradients.map((name) => [`d ${name}`, relativeToLargest(gradientByDifferences(inputs[name]!, value))]),
    ]);
  };
}
