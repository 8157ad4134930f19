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

/** Bytes that may lie unused for reuse: what a long clip or another crop took does not stay for ever. */
const usualIdleBytes = 2 ** 28;

/** Whether an error is of a buffer that is none, or of what is made with it, in Dawn's words or in wgpu's. */
export function isAboutInvalid(message: string): boolean {
  return /\[Invalid \w+|\b(Buffer|Bind ?group|Command ?(buffer|encoder))\b.* is invalid/i.test(message);
}

/** A function, because Node has these names only once its WebGPU is there. */
const storageUsage = (): GPUBufferUsageFlags =>
  GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

export class BufferPool {
  readonly #device: GPUDevice;
  readonly #idleLimit: number;
  /** All that it made. */
  readonly #made = new WeakSet<GPUBuffer>();
  /** Those that somebody has. */
  readonly #owned = new Set<GPUBuffer>();
  /** Those that nobody has, the one that was released first in front. */
  readonly #idle = new Set<GPUBuffer>();
  /** Those whose owner alone is to learn that there was no memory for them. */
  readonly #optional = new WeakSet<GPUBuffer>();
  /** Those for which there was no memory. */
  readonly #failed = new WeakMap<GPUBuffer, OutOfMemoryError>();
  /** Those that were given back to the device; an answer that comes after that changes no count. */
  readonly #discarded = new WeakSet<GPUBuffer>();
  #idleBytes = 0;
  #liveBytes = 0;
  #peakBytes = 0;
  #failure: OutOfMemoryError | undefined;
  #everFailed = false;
  readonly #pending = new Set<Promise<void>>();

  constructor(device: GPUDevice, { idleBytes = usualIdleBytes } = {}) {
    this.#device = device;
    this.#idleLimit = idleBytes;
  }

  /** Bytes of all buffers that are handed out or kept for reuse. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** The most that `liveBytes` was since the pool was made or `restartPeak` was called. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Number of buffers that are handed out. */
  get owned(): number {
    return this.#owned.size;
  }

  /**
   * A storage buffer of at least `bytes`, with undefined content, which the caller owns until it releases it. Throws a
   * `UserError` if the device has no buffers of that size; that memory ran out is known only later, and thrown by `expect()`,
   * `settle()` or `check()`; where it is `optional`, by `expect()` alone, as nobody but its owner is to learn of that.
   */
  acquire(bytes: number, label: string, { optional = false } = {}): GPUBuffer {
    const size = Math.max(alignUp(bytes, bindingAlignment), bindingAlignment);
    const buffer = this.#takeIdle(size) ?? this.#create(size, label, storageUsage());
    if (optional) this.#optional.add(buffer);
    else this.#optional.delete(buffer);
    this.#owned.add(buffer);
    return buffer;
  }

  /** A buffer of exactly `bytes` to be mapped and read, which the caller owns until it releases it. It is not kept for reuse. */
  acquireStaging(bytes: number, label: string): GPUBuffer {
    const buffer = this.#create(bytes, label, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    this.#owned.add(buffer);
    return buffer;
  }

  #takeIdle(size: number): GPUBuffer | undefined {
    for (const buffer of this.#idle) {
      if (buffer.size !== size) continue;
      this.#idle.delete(buffer);
      this.#idleBytes -= size;
      return buffer;
    }
    return undefined;
  }

  #create(size: number, label: string, usage: GPUBufferUsageFlags): GPUBuffer {
    const limit = this.#device.limits.maxBufferSize;
    if (size > limit) {
      throw new UserError(`'${label}' needs a buffer of ${formatBytes(size)}, but this adapter's largest is ${formatBytes(limit)}`);
    }
    const live = this.#liveBytes;
    let buffer: GPUBuffer;
    let scope: Promise<GPUError | null>;
    this.#device.pushErrorScope('out-of-memory');
    try {
      buffer = this.#device.createBuffer({ label, size, usage });
    } finally {
      scope = this.#device.popErrorScope();
      scope.catch(() => undefined); // the device is lost, which others notice
    }
    const answer = scope.then((error) => error && this.#fail(buffer, new OutOfMemoryError(
      `the GPU has no memory left for '${label}' (${formatBytes(size)}, with ${formatBytes(live)} in use): use shorter \`cropSamples\` to train, smaller \`tileSamples\` to sample`,
    )), () => undefined).then(() => void this.#pending.delete(answer));
    this.#pending.add(answer);
    this.#made.add(buffer);
    this.#count(size);
    return buffer;
  }

  /** A buffer that is none: it takes no memory, and is never handed out again. */
  #fail(buffer: GPUBuffer, failure: OutOfMemoryError): void {
    this.#failed.set(buffer, failure);
    if (!this.#optional.has(buffer)) this.#failure ??= failure;
    this.#everFailed = true;
    if (!this.#discarded.has(buffer)) this.#count(-buffer.size);
    if (this.#idle.delete(buffer)) this.#idleBytes -= buffer.size;
  }

  /** Whether an error of the device is what follows from using a buffer for which there was no memory; known once it has answered. */
  async explains(message: string): Promise<boolean> {
    if (!isAboutInvalid(message)) return false;
    await this.#answers();
    return this.#everFailed;
  }

  async #answers(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /**
   * Waits until the device has answered the requests. Throws if there was no memory for one of these buffers, as often as it is
   * asked: whoever holds one must not go on with it, also where somebody else was told first.
   */
  async expect(buffers: Iterable<GPUBuffer>): Promise<void> {
    await this.#answers();
    for (const buffer of buffers) {
      const failure = this.#failed.get(buffer);
      if (!failure) continue;
      if (!this.#optional.has(buffer)) this.#failure = undefined; // somebody was told
      throw failure;
    }
  }

  #count(bytes: number): void {
    this.#liveBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  /** Waits until the device has answered all requests. Throws if memory ran out; the next call does not throw that again. */
  async settle(): Promise<void> {
    await this.#answers();
    this.check();
  }

  /** Throws if memory ran out since it was last told; whoever is told releases what it took, and the device goes on. */
  check(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
  }

  /**
   * Takes a buffer back, to be handed out again for the same size. One of a device that was lost is of no use. Throws if nobody
   * has it: two owners of one buffer would overwrite each other's numbers.
   */
  release(buffer: GPUBuffer): void {
    if (!this.#made.has(buffer)) return;
    if (!this.#owned.delete(buffer)) throw new Error(`the buffer '${buffer.label}' was released twice`);
    if (this.#failed.has(buffer)) return buffer.destroy();
    if (buffer.usage & GPUBufferUsage.MAP_READ) return this.#giveBack(buffer);
    this.#idle.add(buffer);
    this.#idleBytes += buffer.size;
    for (const oldest of this.#idle) {
      if (this.#idleBytes <= this.#idleLimit) break;
      this.#discard(oldest);
    }
  }

  /** Begins to watch the peak anew. */
  restartPeak(): void {
    this.#peakBytes = this.#liveBytes;
  }

  /** Gives the memory of unused buffers back to the device. */
  trim(): void {
    for (const buffer of this.#idle) this.#discard(buffer);
  }

  #discard(buffer: GPUBuffer): void {
    this.#idle.delete(buffer);
    this.#idleBytes -= buffer.size;
    this.#giveBack(buffer);
  }

  #giveBack(buffer: GPUBuffer): void {
    this.#discarded.add(buffer);
    this.#count(-buffer.size);
    buffer.destroy();
  }
}
