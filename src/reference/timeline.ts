/** Rows that hold at places of a clip, mixed linearly between them. */

/**
 * output[b, t, :] = (1 − a)·rows[k, :] + a·rows[k+1, :] with a = (s − p_k)/(p_{k+1} − p_k), s = (start + t) mod clip and p_k ≤ s < p_{k+1};
 * rows (F, C) at the ascending places p (F), the first and the last one also beyond theirs. Returns (B, L, C).
 */
export function timeline({ rows, places, B, L, C, start, clip }: {
  readonly rows: Float64Array; readonly places: readonly number[];
  readonly B: number; readonly L: number; readonly C: number; readonly start: number; readonly clip: number;
}): Float64Array {
  return Float64Array.from({ length: B * L * C }, (_, i) => {
    const s = (((start + (Math.floor(i / C) % L)) % clip) + clip) % clip;
    const at = (k: number): number => rows[k * C + (i % C)]!;
    const k = places.findLastIndex((place) => place <= s);
    if (k < 0) return at(0);
    if (k === places.length - 1) return at(k);
    const a = (s - places[k]!) / (places[k + 1]! - places[k]!);
    return (1 - a) * at(k) + a * at(k + 1);
  });
}
