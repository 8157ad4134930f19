import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { workgroupsFor } from './lanes.ts';

/** Samples around a tile that are overwritten in the clip before the tile is gathered; both (B, M). */
export interface OldSamples {
  readonly before: Tensor; // the last M before the tile's core
  readonly head: Tensor; // the clip's first M, which a loop's last tiles see behind its end
}

/**
 * The window [windowStart, windowStart + width) of a clip: whole (B, L) → tile (B, width). It may reach past the ends,
 * where it goes round. `windowStart` is given to `run`, so that one program serves every window of a clip. With `old`,
 * samples before `coreStart` are those that `keepOld` has saved.
 */
export function gatherWindow(tape: Tape, whole: Tensor, width: number, old?: OldSamples): Tensor {
  const [B, L] = whole.shape as [number, number];
  const margin = old ? expectMargins(old, B) : 0;
  const tile = tape.result('tile', [B, width]);
  tape.record({
    kernel: { shader: 'window', entry: old ? 'gatherOld' : 'gather' },
    reads: { whole, ...old },
    writes: { tile },
    params: { items: B, length: L, width, margin },
    step: true,
    workgroups: workgroupsFor(B * width),
  });
  return tile;
}

/**
 * Saves what the tiles to come need of the clip before this tile's core is overwritten: stands between `gatherWindow`
 * and the update. Returns the new margins, in the memory of the old ones.
 */
export function keepOld(tape: Tape, options: { whole: Tensor; tile: Tensor; old: OldSamples }): OldSamples {
  const { whole, tile, old } = options;
  const [B, L] = whole.shape as [number, number];
  const margin = expectMargins(old, B);
  const kept = { before: tape.updated(old.before), head: tape.updated(old.head) };
  tape.record({
    kernel: { shader: 'window', entry: 'keep' },
    reads: { whole, tileIn: tile },
    writes: { beforeNext: kept.before, headOut: kept.head },
    params: { items: B, length: L, width: tile.shape[1]!, margin },
    step: true,
    workgroups: workgroupsFor(B * margin),
  });
  return kept;
}

/** Puts the samples [coreStart, coreEnd) of a tile (B, W) that begins at `windowStart` into the clip `whole` (B, L). */
export function scatterWindow(tape: Tape, tile: Tensor, whole: Tensor): void {
  const [B, L] = whole.shape as [number, number];
  const width = tile.shape[1]!;
  tape.record({
    kernel: { shader: 'window', entry: 'scatter' },
    reads: { tileIn: tile },
    writes: { wholeOut: whole },
    params: { items: B, length: L, width, margin: 0 },
    step: true,
    workgroups: workgroupsFor(B * width),
  });
}

/** M. */
function expectMargins({ before, head }: OldSamples, B: number): number {
  const margin = before.shape[1]!;
  expectShape(before, [B, margin], 'window before');
  expectShape(head, [B, margin], 'window head');
  return margin;
}
