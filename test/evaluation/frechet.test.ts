import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { symmetricEigen } from '../../src/evaluation/eigen.ts';
import type { Gaussian } from '../../src/evaluation/frechet.ts';
import { frechetDistance, gaussianOf, momentsOf } from '../../src/evaluation/frechet.ts';
import { normals } from '../../src/reference/random.ts';

const test = suite('frechet');

const near = (actual: number, wanted: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - wanted) <= tolerance, `${actual}, wanted ${wanted}`);
const random = (length: number, item = 0): Float64Array => Float64Array.from(normals({ seed: 3, stream: 0, step: 0, item, length }));

/** An orthogonal matrix: Gram and Schmidt over random rows. */
function rotation(d: number): number[][] {
  const rows: number[][] = [];
  for (let i = 0; i < d; i++) {
    let row = Array.from(random(d, 10 + i));
    for (let again = 0; again < 2; again++) {
      for (const other of rows) {
        const along = row.reduce((sum, value, k) => sum + value * other[k]!, 0);
        row = row.map((value, k) => value - along * other[k]!);
      }
    }
    const norm = Math.hypot(...row);
    rows.push(row.map((value) => value / norm));
  }
  return rows;
}

/** R·diag(variances)·Rᵀ. */
function turned(R: number[][], variances: readonly number[]): Float64Array {
  const d = variances.length;
  return Float64Array.from({ length: d * d }, (_, i) =>
    variances.reduce((sum, variance, k) => sum + variance * R[Math.floor(i / d)]![k]! * R[i % d]![k]!, 0));
}

const zero = (d: number): Float64Array => new Float64Array(d);

test('eigenvectors and eigenvalues make the matrix again, also where values are equal or 0', () => {
  const wanted = [5, 2, 2, 0, -1, 1e-9, 300];
  const matrix = turned(rotation(7), wanted);
  const { values, vectors } = symmetricEigen(matrix, 7);
  const byLow = (list: Iterable<number>): number[] => [...list].sort((a, b) => a - b);
  byLow(wanted).forEach((value, i) => near(byLow(values)[i]!, value, 1e-12 * 300));
  for (let i = 0; i < 7; i++) {
    for (let j = 0; j < 7; j++) {
      let sum = 0;
      let dot = 0;
      for (let k = 0; k < 7; k++) {
        sum += vectors[i * 7 + k]! * values[k]! * vectors[j * 7 + k]!;
        dot += vectors[k * 7 + i]! * vectors[k * 7 + j]!;
      }
      near(sum, matrix[i * 7 + j]!, 1e-10);
      near(dot, i === j ? 1 : 0, 1e-13);
    }
  }
});

test('covariances with the same axes: Σ (μ − μ′)² + (σ − σ′)², however the axes lie', () => {
  const a = [4, 0.25, 9, 1, 0];
  const b = [1, 0.25, 16, 0, 0];
  const mean = Float64Array.of(1, -2, 0, 0.5, 3);
  const wanted = mean.reduce((sum, value) => sum + value * value, 0) + 1 + 0 + 1 + 1 + 0;
  const R = rotation(5);
  near(frechetDistance({ mean, covariance: turned(R, a) }, { mean: zero(5), covariance: turned(R, b) }), wanted, 1e-6); // where a variance is 0, the root of what rounding leaves
});

test('two lines through the origin: |a|² + |b|² − 2·|a·b|', () => {
  const [a, b] = [[1, 2, -2], [3, 0, 4]];
  const line = (v: number[]): Gaussian => ({ mean: zero(3), covariance: Float64Array.from({ length: 9 }, (_, i) => v[Math.floor(i / 3)]! * v[i % 3]!) });
  near(frechetDistance(line(a!), line(b!)), 9 + 25 - 2 * 5, 1e-6); // the root of a rounding error of 1e-16·225 is in it
});

test('two dimensions that do not commute: tr √(AB) = √(tr AB + 2·√(det A·det B))', () => {
  const [A, B] = [Float64Array.of(2, 0.7, 0.7, 1), Float64Array.of(0.5, -0.4, -0.4, 3)];
  const trace = A[0]! * B[0]! + A[1]! * B[2]! + A[2]! * B[1]! + A[3]! * B[3]!;
  const determinant = (M: Float64Array): number => M[0]! * M[3]! - M[1]! * M[2]!;
  const wanted = 3 + 3.5 - 2 * Math.sqrt(trace + 2 * Math.sqrt(determinant(A) * determinant(B)));
  const [first, second] = [{ mean: zero(2), covariance: A }, { mean: zero(2), covariance: B }];
  near(frechetDistance(first, second), wanted, 1e-12);
  near(frechetDistance(second, first), wanted, 1e-12);
});

test('moments of parts make the Gaussian of the whole', () => {
  const points = random(3 * 50);
  const whole = gaussianOf([momentsOf(points, 3)]);
  const parts = gaussianOf([momentsOf(points.slice(0, 30), 3), momentsOf(points.slice(30), 3)]);
  for (let i = 0; i < 3; i++) {
    near(parts.mean[i]!, whole.mean[i]!, 1e-14);
    for (let j = 0; j < 3; j++) {
      let direct = 0;
      for (let n = 0; n < 50; n++) direct += (points[n * 3 + i]! - whole.mean[i]!) * (points[n * 3 + j]! - whole.mean[j]!) / 50;
      near(whole.covariance[i * 3 + j]!, direct, 1e-13);
      near(parts.covariance[i * 3 + j]!, direct, 1e-13);
    }
  }
  assert.throws(() => gaussianOf([]), /no points/);
  near(frechetDistance(whole, whole), 0, 1e-12);
});

test('estimated from n points of the truth itself it is too large by about C/n', () => {
  const d = 6;
  const truth: Gaussian = { mean: zero(d), covariance: turned(rotation(d), [1, 1, 1, 1, 1, 1]) };
  const excess = (n: number): number => {
    let sum = 0;
    for (let trial = 0; trial < 40; trial++) sum += frechetDistance(truth, gaussianOf([momentsOf(random(n * d, 100 + trial), d)])) / 40;
    return sum;
  };
  const [few, many] = [excess(60), excess(240)];
  // E|mean|² is d/n, and a covariance near 1 gives E|√Σ̂ − 1|² ≈ d(d + 1)/(4n).
  for (const [value, n] of [[few, 60], [many, 240]] as const) near(value * n, d + (d * (d + 1)) / 4, 3);
  assert.ok(few > 3 * many && few < 5 * many, `${few}, ${many}`);
});

test.run();
