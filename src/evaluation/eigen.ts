/** Eigenvalues of small symmetric matrices. */

export interface Eigen {
  readonly values: Float64Array; // (n), in no order
  readonly vectors: Float64Array; // (n, n), row-major; column j belongs to value j
}

const mostSweeps = 60;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, "Matrix Computations",
 * section 8.5: algorithm 8.5.1 for the angle). Slow and sure: eigenvalues near zero stay near zero, which a square root needs.
 *
 * @param matrix (n, n), row-major; only taken as it is, so symmetry is the caller's duty
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  return { values: diagonalised(matrix, n, vectors), vectors };
}

/** The eigenvalues alone, in two thirds of the time. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  return diagonalised(matrix, n);
}

/** The eigenvalues; `vectors`, an identity, becomes the eigenvectors. */
function diagonalised(matrix: Float64Array, n: number, vectors?: Float64Array): Float64Array {
  const a = matrix.slice();
  const norm = Math.hypot(...a);
  for (let sweep = 0; sweep < mostSweeps && offDiagonal(a, n) > 1e-15 * norm; sweep++) {
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) rotate(a, vectors, { n, p, q });
    }
  }
  return Float64Array.from({ length: n }, (_, i) => a[i * n + i]!);
}

/** Makes a[p, q] zero, and turns the eigenvectors along. */
function rotate(a: Float64Array, vectors: Float64Array | undefined, { n, p, q }: { n: number; p: number; q: number }): void {
  const apq = a[p * n + q]!;
  if (apq === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  turn(a, n, { c, s, x: p, y: q, step: n });
  turn(a, n, { c, s, x: p * n, y: q * n, step: 1 });
  if (vectors) turn(vectors, n, { c, s, x: p, y: q, step: n });
}

/** Turns two columns, or rows, into each other. */
function turn(a: Float64Array, n: number, { c, s, x, y, step }: { c: number; s: number; x: number; y: number; step: number }): void {
  for (let k = 0; k < n; k++) {
    const [one, other] = [a[x + k * step]!, a[y + k * step]!];
    a[x + k * step] = c * one - s * other;
    a[y + k * step] = s * one + c * other;
  }
}

function offDiagonal(a: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (i !== j) sum += a[i * n + j]! ** 2;
  return Math.sqrt(sum);
}
