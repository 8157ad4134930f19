import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { workgroupsFor } from './lanes.ts';

/**
 * The window [windowStart, windowStart + width) of a clip: whole (B, L) → tile (B, width). `windowStart` is given to
 * `run`, so that one program serves every window of a clip.
 */
export function gatherWindow(tape: Tape, whole: Tensor, width: number): Tensor {
  const [B, L] = whole.shape as [number, number];
  const tile = tape.result('tile', [B, width]);
  tape.record({
    kernel: { shader: 'window', entry: 'gather' },
    reads: { whole },
    writes: { tile },
    params: { items: B, length: L, width },
    step: true,
    workgroups: workgroupsFor(B * width),
  });
  return tile;
}

/** Puts the samples [coreStart, coreEnd) of a tile (B, W) that begins at `windowStart` into the clip `whole` (B, L). */
export function scatterWindow(tape: Tape, tile: Tensor, whole: Tensor): void {
  const [B, L] = whole.shape as [number, number];
  const width = tile.shape[1]!;
  tape.record({
    kernel: { shader: 'window', entry: 'scatter' },
    reads: { tileIn: tile },
    writes: { wholeOut: whole },
    params: { items: B, length: L, width },
    step: true,
    workgroups: workgroupsFor(B * width),
  });
}
