/** One device with all that lives and dies with it. A `Gpu` has one at a time, and takes a new one when it is lost. */
import { UserError } from '../../errors.ts';
import type { Platform } from '../../platform/platform.ts';
import { bestAdapter, isSoftwareAdapter, nameOf } from './adapter.ts';
import { BufferPool, isAboutInvalid } from './buffers.ts';
import { matrixFeatures } from './matrix.ts';
import { KernelCache } from '../wgsl/kernels.ts';

export const optionalFeatures: readonly GPUFeatureName[] = ['shader-f16', 'subgroups', 'timestamp-query'];

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

/** Milliseconds in which a loss is announced after the first call that it made fail. */
export const announcement = 200;

/**
 * The device is lost: the driver was reset or updated, the GPU was unplugged, or it took longer for something than the
 * system's watchdog lets it. Whatever was on it is gone.
 */
export class DeviceLostError extends UserError {
  /** What the driver says. */
  readonly reason: string;

  constructor(reason: string) {
    super(`the GPU was lost (${reason}): run the command again`);
    this.reason = reason;
  }
}

export class OpenedDevice {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** Whether the adapter is a program on the processor. */
  readonly isSoftware: boolean;
  /** Of the adapter, for people. */
  readonly name: string;
  readonly kernels: KernelCache;
  readonly buffers: BufferPool;
  /** Every promise of the device that lasts passes through here, so that waiting for it does not slow down what it waits for. */
  readonly waiting: <T>(promise: Promise<T>) => Promise<T> = (promise) => promise;
  #failure: string | undefined;
  #lost: string | undefined;

  private constructor(device: GPUDevice, adapter: GPUAdapter, platform: Platform) {
    this.device = device;
    this.info = adapter.info;
    this.isSoftware = isSoftwareAdapter(adapter);
    this.name = nameOf(adapter);
    if (this.isSoftware && platform.rest) this.waiting = (promise) => (platform.rest!(promise), promise);
    this.kernels = new KernelCache(device, { shader: (stem) => platform.shader(stem), waiting: (promise) => this.waiting(promise) });
    this.buffers = new BufferPool(device);
    device.addEventListener('uncapturederror', (event) => {
      const { message } = (event as GPUUncapturedErrorEvent).error;
      // That memory ran out is said by the pool, in one line. Dawn tells of a buffer's use before it tells that there was no
      // memory for it, and prints what nobody prevents.
      if (isAboutInvalid(message)) event.preventDefault();
      void this.buffers.explains(message).then((said) => {
        if (!said) this.#failure ??= message;
      });
    });
    void device.lost.then(({ reason, message }) => {
      this.#lost = [reason, oneLine(message)].filter(Boolean).join(': ');
    });
  }

  /**
   * The most capable adapter that `isWanted`, with its own limits and those optional features it has, with `matrices` the
   * experimental ones as well. Undefined if there is none; rejects if the adapter gives no device.
   */
  static async open(platform: Platform, { matrices = false, isWanted = () => true }: {
    readonly matrices?: boolean; readonly isWanted?: (adapter: GPUAdapter) => boolean;
  } = {}): Promise<OpenedDevice | undefined> {
    const adapter = await platform.gpu.requestAdapter(bestAdapter);
    if (!adapter || !isWanted(adapter)) return undefined;
    const requiredLimits: Record<string, number> = {};
    for (const name of raisedLimits) requiredLimits[name] = adapter.limits[name];
    const features = [...optionalFeatures, ...(matrices ? (matrixFeatures as readonly string[] as readonly GPUFeatureName[]) : [])];
    const device = await adapter.requestDevice({
      requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
      requiredLimits,
    });
    return new OpenedDevice(device, adapter, platform);
  }

  /**
   * Throws what went wrong since it was last told; a loss is told again and again. Memory comes first: where it ran out, a loss
   * is what followed.
   */
  check(): void {
    this.buffers.check();
    if (this.#lost !== undefined) throw new DeviceLostError(this.#lost);
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw new Error(failure);
  }

  /** What `promise` resolves to, once nothing is known to be wrong. Its failure is explained by what caused it. */
  async finished<T>(promise: Promise<T>): Promise<T> {
    try {
      const value = await promise;
      this.check();
      return value;
    } catch (error) {
      throw await this.causeOf(error);
    }
  }

  /** What explains an error: the loss of the device or an earlier error if there was one, else the error itself. */
  async causeOf(error: unknown): Promise<unknown> {
    if (error instanceof UserError) return error; // explained already
    // A loss fails the calls that wait for the device, in whichever way they fail, and may be announced after that.
    await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, announcement))]);
    try {
      this.check();
    } catch (cause) {
      return cause;
    }
    return error;
  }
}

/** Drivers' messages go over several lines. */
function oneLine(text: string): string {
  return text.trim().split(/\s*\n\s*/).join(' ');
}
