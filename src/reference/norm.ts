/** The Euclidean norm √Σx². */
export function norm(x: Float64Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value ** 2, 0));
}
