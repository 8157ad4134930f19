// y = a·x  ⇒  dx = a·dy: the backward of scale is scale.
/** factor · x, element by element. */
export function scale(x: Float64Array, factor: number): Float64Array {
  return x.map((value) => value * factor);
}
