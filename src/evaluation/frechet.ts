/** The Fréchet distance between Gaussians that are fitted to two sets of points. */
import { symmetricEigen, symmetricEigenvalues } from './eigen.ts';

/** Points as far as a Gaussian needs them: sums, so that sets can be joined by adding. */
export interface Moments {
  readonly count: number;
  readonly sum: Float64Array; // (d)
  readonly products: Float64Array; // (d, d): Σ x·xᵀ
}

export interface Gaussian {
  readonly mean: Float64Array; // (d)
  readonly covariance: Float64Array; // (d, d)
}

/** Moments of points (n, d), row-major. */
export function momentsOf(points: Float64Array, d: number): Moments {
  const count = points.length / d;
  const sum = new Float64Array(d);
  const products = new Float64Array(d * d);
  for (let start = 0; start < points.length; start += d) {
    for (let i = 0; i < d; i++) {
      const value = points[start + i]!;
      sum[i]! += value;
      for (let j = 0; j <= i; j++) products[i * d + j]! += value * points[start + j]!;
    }
  }
  for (let i = 0; i < d; i++) for (let j = i + 1; j < d; j++) products[i * d + j] = products[j * d + i]!;
  return { count, sum, products };
}

/**
 * The Gaussian of all points of these sets: their mean, and their covariance with the divisor n, as few points are spread by as
 * much too little as their mean is off (the bias of both is in `frechetDistance`'s description).
 *
 * @throws RangeError when there are no points
 */
export function gaussianOf(sets: readonly Moments[]): Gaussian {
  const count = sets.reduce((total, set) => total + set.count, 0);
  if (count === 0) throw new RangeError('gaussianOf: there are no points');
  const d = sets[0]!.sum.length;
  const mean = new Float64Array(d);
  const covariance = new Float64Array(d * d);
  for (const { sum, products } of sets) {
    for (let i = 0; i < d; i++) mean[i]! += sum[i]! / count;
    for (let i = 0; i < d * d; i++) covariance[i]! += products[i]! / count;
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i * d + j]! -= mean[i]! * mean[j]!;
  return { mean, covariance };
}

/**
 * A function that measures from one Gaussian to others:
 *
 *   d² = |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2·(Σ₁^½ Σ₂ Σ₁^½)^½)
 *
 * (Dowson and Landau, J. Multivariate Analysis 12(3), 1982; for generated pictures Heusel et al., NeurIPS 2017, for sound Kilgour
 * et al., Interspeech 2019). Σ₁^½ Σ₂ Σ₁^½ is symmetric and has the eigenvalues of Σ₁Σ₂, whose square root the papers take: with
 * eigenvalues of symmetric matrices only, that is safe where a covariance is singular. What rounding made negative counts as 0.
 *
 * Fitted to n points, the distance is too large by about C/n (Chong and Forsyth, CVPR 2020), so two values compare only for equal
 * n. Overlapping windows of one piece of sound count as fewer than they are.
 */
export function frechetFrom(first: Gaussian): (second: Gaussian) => number {
  const d = first.mean.length;
  const root = squareRoot(first.covariance, d);
  return (second) => {
    const values = symmetricEigenvalues(product(product(root, second.covariance, d), root, d, 'symmetric'), d);
    let distance = 0;
    for (let i = 0; i < d; i++) {
      distance += (first.mean[i]! - second.mean[i]!) ** 2 + first.covariance[i * d + i]! + second.covariance[i * d + i]!;
      distance -= 2 * Math.sqrt(Math.max(0, values[i]!));
    }
    return Math.max(0, distance);
  };
}

/** The squared Fréchet distance d² of two Gaussians, see `frechetFrom`. */
export function frechetDistance(first: Gaussian, second: Gaussian): number {
  return frechetFrom(first)(second);
}

/** The symmetric root of a positive semidefinite matrix: V·√Λ·Vᵀ. */
function squareRoot(matrix: Float64Array, d: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, d);
  const root = new Float64Array(d * d);
  for (let k = 0; k < d; k++) {
    const value = Math.sqrt(Math.max(0, values[k]!));
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) root[i * d + j]! += value * vectors[i * d + k]! * vectors[j * d + k]!;
  }
  return root;
}

/** a·b; where it is known to be symmetric, without the asymmetry of rounding. */
function product(a: Float64Array, b: Float64Array, d: number, symmetric?: 'symmetric'): Float64Array {
  const c = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < d; k++) {
      const value = a[i * d + k]!;
      for (let j = 0; j < d; j++) c[i * d + j]! += value * b[k * d + j]!;
    }
  }
  return symmetric ? c.map((value, i) => (value + c[(i % d) * d + Math.floor(i / d)]!) / 2) : c;
}
