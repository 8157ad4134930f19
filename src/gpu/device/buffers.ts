/** GPU memory: every storage buffer comes from here, so that what is alive can be counted and reused. */
import { UserError } from '../../errors.ts';

/** The adapter has less memory than was asked for. */
export class OutOfMemoryError extends UserError {}

/** A part of a buffer, as a bind group wants it. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  /** Bytes from the buffer's start, a multiple of 256. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** Every offset that a binding may have on any adapter is a multiple of this (WebGPU's own guaranteed minimum). */
export const bindingAlignment = 256;

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** 1536 → '1.5 KiB'. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export class BufferPool {
  readonly #device: GPUDevice;
  /** All that it made, as long as somebody has it. */
  readonly #made = new WeakSet<GPUBuffer>();
  readonly #free = new Map<number, GPUBuffer[]>();
  #liveBytes = 0;
  #peakBytes = 0;
  #failure: OutOfMemoryError | undefined;
  readonly #pending = new Set<Promise<void>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes of all buffers that are handed out or kept for reuse. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** The most that `liveBytes` ever was. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /**
   * A storage buffer of at least `bytes`, with undefined content. Throws if the device refuses the size; that memory
   * ran out is known only later and thrown by `check()`.
   */
  acquire(bytes: number, label: string): GPUBuffer {
    const size = Math.max(alignUp(bytes, bindingAlignment), bindingAlignment);
    const reused = this.#free.get(size)?.pop();
    if (reused) return reused;
    const limit = this.#device.limits.maxBufferSize;
    if (size > limit) {
      throw new UserError(`'${label}' needs a buffer of ${formatBytes(size)}, but this adapter's largest is ${formatBytes(limit)}`);
    }
    this.#device.pushErrorScope('out-of-memory');
    const buffer = this.#device.createBuffer({
      label,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    const live = this.#liveBytes;
    const answer = this.#device.popErrorScope().then((error) => {
      if (!error) return;
      this.#failure ??= new OutOfMemoryError(
        `the GPU has no memory left for '${label}' (${formatBytes(size)}, with ${formatBytes(live)} in use): use shorter \`cropSamples\` to train, smaller \`tileSamples\` to sample`,
      );
    }).catch(() => undefined) // the device is lost, which others notice
      .then(() => void this.#pending.delete(answer));
    this.#pending.add(answer);
    this.#made.add(buffer);
    this.count(size);
    return buffer;
  }

  /** Counts bytes that somebody else allocates, or with a negative number no longer has. */
  count(bytes: number): void {
    this.#liveBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  /** Waits until the device has answered all requests. Throws if memory ran out; the next call does not throw that again. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
  }

  /** Takes a buffer back, to be handed out again for the same size. One of a device that was lost is of no use. */
  release(buffer: GPUBuffer): void {
    if (!this.#made.has(buffer)) return;
    const free = this.#free.get(buffer.size);
    if (free) free.push(buffer);
    else this.#free.set(buffer.size, [buffer]);
  }

  /** Begins to watch the peak anew. */
  restartPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }

  /** Gives the memory of unused buffers back to the device. */
  trim(): void {
    for (const buffers of this.#free.values()) {
      for (const buffer of buffers) {
        this.count(-buffer.size);
        buffer.destroy();
      }
    }
    this.#free.clear();
  }

  check(): void {
    if (this.#failure) throw this.#failure;
  }
}
