import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { workgroupsFor } from './lanes.ts';

/**
 * A filter of finite impulse response, clip[b, p] = Σ_k taps[k]·n[b, p + k], for the samples p of a part [coreStart,
 * coreEnd) of a clip, which is given to `run`. `stretch` (B, N) holds n from index coreStart on: N − K + 1 samples can be
 * made at once of K taps. With `head` (B, H) the clip is a loop: index i stands for i mod L, and where that goes round it
 * is looked up in `head`, which holds n from index 0 on. Goes into `clip` (B, L); has no gradient.
 */
export function fir(tape: Tape, options: { clip: Tensor; stretch: Tensor; taps: Tensor; head?: Tensor }): void {
  const { clip, stretch, taps, head } = options;
  const [B, L] = clip.shape as [number, number];
  const [K, N] = [taps.length, stretch.shape[1]!];
  const width = N - K + 1;
  if (width < 1) throw new TypeError(`fir: ${stretch} is shorter than ${taps}`);
  expectShape(stretch, [B, N], 'fir stretch');
  const headLength = head?.shape[1] ?? 0;
  if (head) {
    expectShape(head, [B, headLength], 'fir head');
    if (headLength < Math.min(K - 1, L)) throw new TypeError(`fir: ${head} is too short for ${taps}`);
  }
  tape.record({
    kernel: { shader: 'fir', entry: 'forward', constants: { TAPS: K, CIRCULAR: Number(!!head) } },
    reads: { stretch, taps, ...(head && { head }) },
    writes: { y: clip },
    params: { items: B, length: L, width, stretchLength: N, headLength },
    step: true,
    workgroups: workgroupsFor(B * width),
  });
}
