/** The machine: one adapter and its device, with everything it can do switched on. Knows no mathematics. */
import { UserError } from '../../errors.ts';
import type { Platform } from '../../platform/platform.ts';
import { defaultPlatform } from '../../platform/platform.ts';
import { nameOf } from './adapter.ts';
import type { BufferPool } from './buffers.ts';
import { formatBytes } from './buffers.ts';
import type { KernelCache } from '../wgsl/kernels.ts';
import { DeviceLostError, OpenedDevice, announcement, optionalFeatures } from './opened.ts';
import { matrixText } from './matrix.ts';
import type { VariantSettings } from './variant.ts';
import { chooseVariant, matrixVariant } from './variant.ts';

/** Submits that a GPU may be behind the program: enough to keep it busy, few enough that Ctrl-C is quick. */
const mostAhead = 8;

/** Factor of `caution` after a loss before anything was timed; half as long submits come on top of it. */
const moreCautious = 4;

/** Drivers need a moment after a reset. */
const usualPauses = [0, 200, 1000, 3000, 10_000]; // ms

export const noAdapterMessage =
  'no WebGPU adapter found: install the driver of your GPU (on Linux its Vulkan driver; without a GPU, Debian and Ubuntu have a software one in the package mesa-vulkan-drivers)';

export interface GpuOptions {
  /** Where adapter and shaders come from; Node's own by default. */
  readonly platform?: Platform;
  /**
   * Also asks for subgroup matrices, which Dawn has as an experiment that is switched off: for the precision `matrix`, and for
   * nothing else. Where the adapter has none, nothing changes.
   */
  readonly matrices?: boolean;
  /** Name of the adapter that shall be taken, where the platform can choose: see its options. */
  readonly adapter?: string;
  /** Milliseconds before each attempt to get a new device in the place of a lost one. */
  readonly recoveryPauses?: readonly number[];
}

export class Gpu {
  /** The kernel variant that suits this adapter. Tuning may replace it, before anything is built. */
  variant: VariantSettings;
  /** The variant for the precision `matrix`, or in one line why this adapter cannot have it. */
  matrix: VariantSettings | string;
  /**
   * Milliseconds that a submit shall last at most: a quarter of the two seconds after which Windows resets a GPU, as the
   * time that was measured may double when a GPU gets hot or has other work. Halved by every loss, which may be its doing.
   */
  longestSubmit = 500;
  /** By how much everything may take longer than is expected of it before it is timed; see `recover`. */
  caution = 1;
  /** Programs that were submitted and of which nothing was timed yet; see `wasTimed`. */
  readonly untimed = new Set<object>();
  readonly #platform: Platform;
  readonly #recoveryPauses: readonly number[];
  readonly #matrices: boolean;
  #opened: OpenedDevice;
  #ahead: Promise<unknown>[] = [];
  #closed = false;

  private constructor(opened: OpenedDevice, platform: Platform, { recoveryPauses = usualPauses, matrices = false }: GpuOptions) {
    this.#opened = opened;
    this.#platform = platform;
    this.#recoveryPauses = recoveryPauses;
    this.#matrices = matrices;
    this.variant = chooseVariant(opened.device, opened);
    this.matrix = matrices ? matrixVariant(opened.device, opened.info) : 'it was opened without `matrices`';
  }

  /**
   * Takes the most capable adapter there is, with its own limits and those optional features it has.
   * Throws a `UserError` when there is none.
   */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const platform = options.platform ?? (await defaultPlatform(options));
    try {
      const opened = await OpenedDevice.open(platform, options);
      if (!opened) throw new UserError(noAdapterMessage);
      return new Gpu(opened, platform, options);
    } catch (error) {
      platform.release(); // it keeps the process alive
      throw error;
    }
  }

  /** The device; another one after `recover`. */
  get device(): GPUDevice {
    return this.#opened.device;
  }

  get info(): GPUAdapterInfo {
    return this.#opened.info;
  }

  /** The device's compiled kernels. */
  get kernels(): KernelCache {
    return this.#opened.kernels;
  }

  /** The device's memory. */
  get buffers(): BufferPool {
    return this.#opened.buffers;
  }

  /** Whether the adapter is a program on the CPU (lavapipe, SwiftShader, WARP). */
  get isSoftware(): boolean {
    return this.#opened.isSoftware;
  }

  /** 'llvmpipe (LLVM 15.0.6, 256 bits) · mesa · software'. */
  get name(): string {
    return this.#opened.name;
  }

  /** Adapter, limits and features, a line each, for people. */
  describe(): string {
    const { limits, features } = this.device;
    return [
      `adapter   ${this.name}`,
      `binding   ${formatBytes(limits.maxStorageBufferBindingSize)} at most in one storage binding, ${formatBytes(limits.maxBufferSize)} in one buffer`,
      `workgroup ${limits.maxComputeInvocationsPerWorkgroup} invocations, ${formatBytes(limits.maxComputeWorkgroupStorageSize)} of shared memory, ${limits.maxComputeWorkgroupsPerDimension} workgroups per dimension`,
      `kernels   ${this.variant.variant}`,
      ...(this.#matrices ? [`matrices  ${typeof this.matrix === 'string' ? this.matrix : matrixText(this.matrix.matrix!)}`] : []),
      `features  ${optionalFeatures.map((name) => `${name} ${features.has(name) ? 'yes' : 'no'}`).join(', ')}`,
    ].join('\n');
  }

  /**
   * Throws what went wrong since somebody was last told. WebGPU reports errors late: what runs or reads something starts with
   * this, and learns of what earlier calls did.
   */
  check(): void {
    if (this.#closed) throw new Error('this Gpu is closed');
    this.#opened.check();
  }

  /** The loss of the device if that is what made something fail with `error`, however it failed. */
  async lossBehind(error: unknown): Promise<DeviceLostError | undefined> {
    const cause = await this.#opened.causeOf(error);
    return cause instanceof DeviceLostError ? cause : undefined;
  }

  /**
   * Takes a new device of the same adapter in the place of a lost one. The variant's settings stay; all buffers,
   * kernels and programs were the lost device's, and whoever needs them makes them again. A driver that was reset may
   * have no adapter for a moment, so this asks several times. Throws a `DeviceLostError` if there is none then. Another
   * adapter is not taken: it would not compute the same to the bit, and might be a hundred times slower.
   */
  async recover(): Promise<void> {
    if (this.#closed) throw new Error('this Gpu is closed');
    const { name } = this;
    this.device.destroy(); // what the driver still keeps of it
    let reason = 'there is no such adapter now';
    for (const pause of this.#recoveryPauses) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      try {
        const opened = await OpenedDevice.open(this.#platform, { matrices: this.#matrices, isWanted: (adapter) => nameOf(adapter) === name });
        if (!opened) continue;
        if (this.#closed) opened.device.destroy(); // meanwhile
        this.#opened = opened;
        this.#ahead = [];
        this.longestSubmit /= 2;
        // What lost it may be what nobody knew the time of: then it would lose it again.
        if (this.untimed.size > 0) this.caution *= moreCautious;
        this.untimed.clear();
        return;
      } catch (error) {
        reason = (error as Error).message;
      }
    }
    throw new DeviceLostError(`and ${name} gave no new device: ${reason}`);
  }

  /** The bytes of a part of a buffer, after all work submitted so far. */
  async read(buffer: GPUBuffer, range: { readonly offset: number; readonly size: number }): Promise<ArrayBuffer> {
    this.check();
    const opened = this.#opened;
    const size = Math.ceil(range.size / 4) * 4;
    const staging = opened.buffers.acquireStaging(size, 'numbers to be read');
    try {
      const encoder = opened.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, range.offset, staging, 0, size);
      opened.device.queue.submit([encoder.finish()]);
      const mapped = opened.waiting(staging.mapAsync(GPUMapMode.READ)).catch(async (error: unknown) => {
        await opened.buffers.expect([staging]); // somebody else may have been told that there was no memory for it
        throw error;
      }).then(() => staging.getMappedRange().slice(0, range.size));
      const bytes = await opened.finished(mapped);
      await opened.buffers.expect([buffer]); // of a buffer that is none nothing was copied
      return bytes;
    } finally {
      opened.buffers.release(staging);
    }
  }

  /** Queues the commands of a piece of a program's run. */
  submit(commands: GPUCommandBuffer): void {
    this.device.queue.submit([commands]);
  }

  /** The time (`performance.now()`) at which everything submitted so far will have been executed. Rejects if the device is lost. */
  submittedWorkDone(): Promise<number> {
    return this.#opened.waiting(this.device.queue.onSubmittedWorkDone()).then(() => performance.now());
  }

  /**
   * Says that all of a program ran and was timed. Believed a moment later: the work of a device that is lost counts as done, too,
   * and that it is lost may be announced after that.
   */
  wasTimed(program: object): void {
    setTimeout(() => this.untimed.delete(program), announcement);
  }

  /** Waits until everything submitted so far has been executed. */
  async idle(): Promise<void> {
    this.check();
    const opened = this.#opened;
    await opened.finished(opened.waiting(opened.device.queue.onSubmittedWorkDone()));
  }

  /**
   * To be called after every submit of a loop: keeps the queue short, so that memory for commands stays bounded, and
   * lets the event loop run. A GPU stays `mostAhead` submits ahead; a software adapter has nothing to overlap.
   */
  async throttle(): Promise<void> {
    if (this.isSoftware) return this.idle();
    // A lost device rejects these; `check` says why.
    this.#ahead.push(this.device.queue.onSubmittedWorkDone().catch(() => undefined));
    if (this.#ahead.length > mostAhead) await this.#ahead.shift();
    this.check();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Destroys the device and lets the process exit. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.device.destroy();
    this.#platform.release();
  }
}
