/**
 * The gradient of a batch out of those of its parts, which several ranks compute: the same bits whatever their number. Sums of
 * float32 depend on their order, so the order is that of the parts: ((g_0 + g_1) + g_2) + …, rounded to float32 after every
 * addition, as a rank that is alone does it.
 *
 * Part p is rank p mod R's. After every round of parts each rank sends every other one a slice of its gradient, adds up the slice
 * that is its own, and at the end all slices are gathered: a rank sends and receives (parts of its own + 1) times the gradient's
 * bytes, however many ranks there are. A round travels while the next one is computed.
 */
import type { Ranks } from '../../ranks.ts';
import { shareOf } from '../../ranks.ts';

/** What a part of a batch adds to it. */
export interface Share {
  /** Of all parameters, in the order of their flat buffer. */
  readonly gradient: Float32Array<ArrayBuffer>;
  readonly loss: number;
}

export interface Sum extends Share {
  /** Whether some rank was asked to stop. */
  readonly stop: boolean;
  /** Seconds in which this rank waited for others. */
  readonly waited: number;
}

/** Beside its slice of a gradient, a block has the part's loss and whether to stop. */
const figures = 2;

export class PartSum {
  readonly #ranks: Ranks;
  readonly #parts: number;
  readonly #length: number;
  /** Elements of the gradient that a rank adds up; the last rank's slice may be longer than what is left. */
  readonly #slice: number;

  /** Of gradients of `length` elements and of `parts` parts. */
  constructor(ranks: Ranks, { parts, length }: { readonly parts: number; readonly length: number }) {
    this.#ranks = ranks;
    this.#parts = parts;
    this.#length = length;
    this.#slice = Math.ceil(length / ranks.size);
  }

  /**
   * Adds up all parts; `compute` is called for those of this rank, one after the other. All ranks get the same sum and the same
   * `stop`, which is whether any of them was given it.
   */
  async of(compute: (part: number) => Promise<Share>, { stop }: { readonly stop: boolean }): Promise<Sum> {
    const { size } = this.#ranks;
    const block = this.#slice + figures;
    const mine = shareOf(this.#parts, this.#ranks);
    const sum: Adding = { slice: new Float32Array(this.#slice), loss: 0, parts: 0, stop: false };
    let waited = 0;
    const received = async (travelling: Promise<Uint8Array<ArrayBuffer>>): Promise<void> => {
      const began = performance.now();
      const { buffer, byteOffset, byteLength } = await travelling;
      const blocks = new Float32Array(buffer, byteOffset, byteLength / 4);
      if (size > 1) waited += (performance.now() - began) / 1000;
      for (let rank = 0; rank < size; rank++) this.#add(blocks.subarray(rank * block, (rank + 1) * block), sum);
    };
    let travelling: Promise<Uint8Array<ArrayBuffer>> | undefined;
    for (let round = 0; round < Math.ceil(this.#parts / size); round++) {
      const part = mine[round];
      let computed: Share | undefined;
      try {
        computed = part === undefined ? undefined : await compute(part);
      } catch (error) {
        travelling?.catch(() => undefined); // nobody will wait for it
        throw error;
      }
      const before = travelling;
      travelling = this.#ranks.alltoall(this.#blocks(computed, stop));
      travelling.catch(() => undefined); // it is waited for below, unless the one before fails
      if (before) await received(before);
    }
    await received(travelling!);
    const began = performance.now();
    const all = await this.#ranks.allgather(new Uint8Array(sum.slice.buffer));
    if (size > 1) waited += (performance.now() - began) / 1000;
    return { gradient: new Float32Array(all.buffer, all.byteOffset, this.#length), loss: sum.loss, stop: sum.stop, waited };
  }

  /** A block for every rank: its slice of the gradient, the loss, the wish to stop; zeros where this rank has no part any more. */
  #blocks(share: Share | undefined, stop: boolean): Uint8Array<ArrayBuffer> {
    const block = this.#slice + figures;
    const blocks = new Float32Array(block * this.#ranks.size);
    for (let rank = 0; rank < this.#ranks.size; rank++) {
      const at = rank * block;
      if (share) {
        blocks.set(share.gradient.subarray(rank * this.#slice, Math.min((rank + 1) * this.#slice, this.#length)), at);
        blocks[at + this.#slice] = share.loss;
      }
      blocks[at + this.#slice + 1] = Number(stop);
    }
    return new Uint8Array(blocks.buffer);
  }

  /** Adds the block of the next part, if there is one. */
  #add(block: Float32Array, sum: Adding): void {
    sum.stop ||= block[this.#slice + 1] !== 0;
    if (sum.parts === this.#parts) return;
    const loss = block[this.#slice]!;
    if (sum.parts === 0) {
      sum.slice.set(block.subarray(0, this.#slice));
      sum.loss = loss;
    } else {
      const { slice } = sum;
      for (let i = 0; i < slice.length; i++) slice[i]! += block[i]!; // float64's sum of two float32 rounds to float32's
      sum.loss = Math.fround(sum.loss + loss);
    }
    sum.parts++;
  }
}

/** What is there so far. */
interface Adding {
  readonly slice: Float32Array<ArrayBuffer>;
  loss: number;
  parts: number;
  stop: boolean;
}
