/**
 * One long clip that several ranks make together. Each of them has the whole x_t, moves a stretch of it, and after every move gets
 * from its neighbours as much on either side as its next prediction sees. What it has beyond that is old, and is not looked at.
 * Tiles change no bit, so neither does this.
 */
import type { BufferRange } from '../../gpu/device/buffers.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { Ranks } from '../../ranks.ts';
import type { Stretch } from './tiles.ts';

/** Where the stretch of a rank begins and ends; they differ by one sample at most. */
export function stretchOf(L: number, { rank, size }: Pick<Ranks, 'rank' | 'size'>): Stretch {
  const start = (of: number): number => Math.ceil((of * L) / size);
  return [start(rank), start(rank + 1)];
}

/** Whether every stretch is long enough for its neighbours to need nothing from beyond it. */
export function canShare({ L, halo, ranks }: { L: number; halo: number; ranks: Pick<Ranks, 'size'> }): boolean {
  return Math.floor(L / ranks.size) >= Math.max(halo, 1);
}

export class Sharing {
  readonly #gpu: Gpu;
  readonly #ranks: Ranks;
  readonly #x: BufferRange;
  readonly #B: number;
  readonly #L: number;
  readonly #halo: number;

  /** Of x, (B, L). */
  constructor({ gpu, ranks, x, B, L, halo }: { gpu: Gpu; ranks: Ranks; x: BufferRange; B: number; L: number; halo: number }) {
    this.#gpu = gpu;
    this.#ranks = ranks;
    this.#x = x;
    this.#B = B;
    this.#L = L;
    this.#halo = halo;
  }

  /** After a move: the neighbours' ends, as wide as the margin, come to where this rank sees them. */
  async exchange(): Promise<void> {
    const { rank, size } = this.#ranks;
    const halo = this.#halo;
    if (halo === 0) return;
    const [from, to] = stretchOf(this.#L, this.#ranks);
    const own = new Float32Array(2 * this.#B * halo); // of every clip, its first and its last samples of the stretch
    for (let b = 0; b < this.#B; b++) {
      own.set(await this.#read(b, from, halo), 2 * b * halo);
      own.set(await this.#read(b, to - halo, halo), (2 * b + 1) * halo);
    }
    const bytes = await this.#ranks.allgather(new Uint8Array(own.buffer));
    const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const edge = (of: number, b: number, side: 0 | 1) => all.subarray(of * own.length + (2 * b + side) * halo, of * own.length + (2 * b + side + 1) * halo);
    for (let b = 0; b < this.#B; b++) {
      if (rank > 0) this.#write(b, from - halo, edge(rank - 1, b, 1));
      if (rank < size - 1) this.#write(b, to, edge(rank + 1, b, 0));
    }
  }

  /** The whole clips, put together from the stretches of all ranks. */
  async gather(): Promise<Float32Array<ArrayBuffer>[]> {
    const longest = Math.ceil(this.#L / this.#ranks.size);
    const [from, to] = stretchOf(this.#L, this.#ranks);
    const clips: Float32Array<ArrayBuffer>[] = [];
    for (let b = 0; b < this.#B; b++) {
      const own = new Float32Array(longest);
      own.set(await this.#read(b, from, to - from));
      const bytes = await this.#ranks.allgather(new Uint8Array(own.buffer));
      const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      const clip = new Float32Array(this.#L);
      for (let rank = 0; rank < this.#ranks.size; rank++) {
        const [start, end] = stretchOf(this.#L, { rank, size: this.#ranks.size });
        clip.set(all.subarray(rank * longest, rank * longest + end - start), start);
      }
      clips.push(clip);
    }
    return clips;
  }

  async #read(b: number, at: number, count: number): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.#gpu.read(this.#x.buffer, { offset: this.#x.offset + (b * this.#L + at) * 4, size: count * 4 }));
  }

  #write(b: number, at: number, values: Float32Array<ArrayBuffer>): void {
    this.#gpu.device.queue.writeBuffer(this.#x.buffer, this.#x.offset + (b * this.#L + at) * 4, values);
  }
}
