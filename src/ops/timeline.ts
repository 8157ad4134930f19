import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * Rows that hold at places of a clip, mixed linearly between them: rows (F, C), places (F) as u32, ascending, in samples of the clip;
 * result (B, L, C), the same for all items. With a_t = (t − p_k)/(p_{k+1} − p_k) for p_k ≤ t < p_{k+1},
 *   y[b, t, :] = (1 − a_t)·rows[k, :] + a_t·rows[k+1, :],
 * before the first place its row, and from the last one on that. Sample 0 of the result is `windowStart` of the clip, which is given to
 * `run`; a window that reaches beyond the `length` of the clip (L by default) goes round. For sampling: it has no gradient.
 */
export function timeline(
  tape: Tape, rows: Tensor, { places, B, L, length = L }: { places: Tensor; B: number; L: number; length?: number },
): Tensor {
  const [F, C] = rows.shape as [number, number];
  if (places.length !== F || places.dtype !== 'u32') throw new TypeError(`timeline: wanted ${F} places as u32 for ${rows}, got ${places}`);
  const { Lane, width } = lanesFor(C);
  const y = tape.result('timeline', [B, L, C]);
  tape.record({
    kernel: { shader: 'timeline', entry: 'forward', constants: { Lane } },
    reads: { rows, places },
    writes: { y },
    params: { items: B, length: L, clip: length, width: C / width, places: F },
    step: true,
    workgroups: workgroupsFor((B * L * C) / width),
  });
  return y;
}
