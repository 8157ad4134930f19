/** The machine: one adapter and its device, with everything it can do switched on. Knows no mathematics. */
import { UserError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import { defaultPlatform } from '../platform.ts';
import { BufferPool, formatBytes } from './buffers.ts';
import { KernelCache } from './kernels.ts';
import type { VariantSettings } from './variant.ts';
import { chooseVariant } from './variant.ts';

const optionalFeatures: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

/** Limits that are raised from WebGPU's guaranteed minimum to what the adapter has. */
const raisedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** Submits that a GPU may be behind the program: enough to keep it busy, few enough that Ctrl-C is quick. */
const mostAhead = 8;

/** Share of the expected wait that is slept before asking a software adapter whether it is done. */
const sleptShare = 0.7;

export const noAdapterMessage =
  'no WebGPU adapter found: install the driver of your GPU (on Linux its Vulkan driver; without a GPU, Debian and Ubuntu have a software one in the package mesa-vulkan-drivers)';

export interface GpuOptions {
  /** Where adapter and shaders come from; Node's own by default. */
  readonly platform?: Platform;
}

export class Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly kernels: KernelCache;
  readonly buffers: BufferPool;
  /** The kernel variant that suits this adapter. Tuning may replace it, before anything is built. */
  variant: VariantSettings;
  readonly #platform: Platform;
  readonly #ahead: Promise<undefined>[] = [];
  #failure: string | undefined;
  #closed = false;
  /** Whether a program was submitted since the last wait. */
  #busy = false;
  /** How long the next wait will probably take, in ms. */
  #expectedWait = 0;

  private constructor(device: GPUDevice, info: GPUAdapterInfo, platform: Platform) {
    this.device = device;
    this.info = info;
    this.#platform = platform;
    this.kernels = new KernelCache(device, (stem) => platform.shader(stem));
    this.buffers = new BufferPool(device);
    this.variant = chooseVariant(device, info);
    device.addEventListener('uncapturederror', (event) => {
      this.#failure ??= (event as GPUUncapturedErrorEvent).error.message;
    });
    void device.lost.then((lost) => {
      if (!this.#closed) this.#failure ??= `the GPU was lost (${lost.reason}): ${lost.message}`;
    });
  }

  /**
   * Takes the most capable adapter there is, with its own limits and those optional features it has.
   * Throws a `UserError` when there is none.
   */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const platform = options.platform ?? (await defaultPlatform());
    const adapter = await platform.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) {
      platform.release();
      throw new UserError(noAdapterMessage);
    }
    const requiredLimits: Record<string, number> = {};
    for (const name of raisedLimits) requiredLimits[name] = adapter.limits[name];
    const device = await adapter.requestDevice({
      requiredFeatures: optionalFeatures.filter((feature) => adapter.features.has(feature)),
      requiredLimits,
    });
    return new Gpu(device, adapter.info, platform);
  }

  /** Whether the adapter is a program on the CPU (lavapipe, SwiftShader, WARP). */
  get isSoftware(): boolean {
    return this.info.isFallbackAdapter;
  }

  /** 'llvmpipe (LLVM 15.0.6, 256 bits) · mesa · software'. */
  get name(): string {
    const { description, device, vendor, architecture } = this.info;
    const kind = this.isSoftware ? 'software' : architecture || 'GPU';
    return [description || device || 'unnamed adapter', vendor, kind].filter(Boolean).join(' · ');
  }

  /** Adapter, limits and features, a line each, for people. */
  describe(): string {
    const { limits, features } = this.device;
    return [
      `adapter   ${this.name}`,
      `binding   ${formatBytes(limits.maxStorageBufferBindingSize)} at most in one storage binding, ${formatBytes(limits.maxBufferSize)} in one buffer`,
      `workgroup ${limits.maxComputeInvocationsPerWorkgroup} invocations, ${formatBytes(limits.maxComputeWorkgroupStorageSize)} of shared memory, ${limits.maxComputeWorkgroupsPerDimension} workgroups per dimension`,
      `kernels   ${this.variant.variant}`,
      `features  ${optionalFeatures.map((name) => `${name} ${features.has(name) ? 'yes' : 'no'}`).join(', ')}`,
    ].join('\n');
  }

  /** Throws what went wrong since the last call. WebGPU reports errors late; every public call starts with this. */
  check(): void {
    if (this.#closed) throw new Error('this Gpu is closed');
    this.buffers.check();
    if (this.#failure === undefined) return;
    const message = this.#failure;
    throw new Error(message);
  }

  /** The bytes of a part of a buffer, after all work submitted so far. */
  async read(buffer: GPUBuffer, range: { readonly offset: number; readonly size: number }): Promise<ArrayBuffer> {
    this.check();
    const size = Math.ceil(range.size / 4) * 4;
    const staging = this.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    this.buffers.count(size);
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, range.offset, staging, 0, size);
    this.device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(GPUMapMode.READ);
      this.check();
      return staging.getMappedRange().slice(0, range.size);
    } catch (error) {
      this.check(); // a lost device or an earlier error explains more than the failed map
      throw error;
    } finally {
      staging.destroy();
      this.buffers.count(-size);
    }
  }

  /** Queues the commands of a program's run. */
  submit(commands: GPUCommandBuffer): void {
    this.device.queue.submit([commands]);
    this.#busy = true;
  }

  /** Waits until everything submitted so far has been executed. */
  async idle(): Promise<void> {
    this.check();
    // dawn.node polls in a tight loop while a promise is pending. On a software adapter that takes the CPU from the
    // kernels themselves, so there we sleep for most of the time that this will take before asking.
    const slept = this.isSoftware && this.#busy ? Math.min(this.#expectedWait * sleptShare, 5000) : 0;
    if (slept > 2) await new Promise((resolve) => setTimeout(resolve, slept));
    const asked = performance.now();
    await this.device.queue.onSubmittedWorkDone();
    const waited = performance.now() - asked;
    // An answer at once means that we slept too long, nobody knows by how much.
    if (this.#busy) this.#expectedWait = waited < slept / 20 ? slept / 3 : slept + waited;
    this.#busy = false;
    this.check();
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

  /** Destroys the device and lets the process exit. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.device.destroy();
    this.#platform.release();
  }
}
