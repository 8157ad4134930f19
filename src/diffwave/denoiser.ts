/**
 * The trained network over clips of any length: a clip that is too long for the adapter goes through in windows. Each
 * window has the network's receptive field as a margin, and only samples that do not see a cut are kept, so that the
 * result is that of the whole clip, to the bit.
 *
 * All windows have one shape and one program. A window at the clip's start or end lies flush with it: there, the
 * convolution's zero padding is the clip's own.
 */
import type { Plan } from '../autograd/plan.ts';
import { checkPlan, planTape } from '../autograd/plan.ts';
import { Executable } from '../autograd/executable.ts';
import { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { UserError } from '../errors.ts';
import type { BufferRange } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { gatherWindow, scatterWindow } from '../ops/window.ts';
import type { DiffWaveConfig } from './config.ts';
import { receptiveField } from './config.ts';
import type { DiffWave } from './model.ts';
import { network } from './network.ts';

/** Rows (samples times batch) of a window at most: a dispatch stays short, and memory small, on slow adapters too. */
const mostRows = 1 << 17;

/** One window of a clip, in samples: the network sees [start, start + width), and [coreStart, coreEnd) is kept. */
export interface Window {
  readonly start: number;
  readonly coreStart: number;
  readonly coreEnd: number;
}

/** Cuts a clip of L samples into windows of `width` (at most L) whose cores touch; `halo` is the margin on each side. */
export function windowsOf(sizes: { L: number; width: number; halo: number }): Window[] {
  const { L, width, halo } = sizes;
  if (width >= L) return [{ start: 0, coreStart: 0, coreEnd: L }];
  if (width <= 2 * halo) throw new RangeError(`a window of ${width} samples has no core between two margins of ${halo}`);
  const windows: Window[] = [];
  for (let coreStart = 0; coreStart < L; ) {
    const start = Math.min(Math.max(0, coreStart - halo), L - width);
    const coreEnd = start + width === L ? L : start + width - halo;
    windows.push({ start, coreStart, coreEnd });
    coreStart = coreEnd;
  }
  return windows;
}

/** The widest window that the adapter takes for this batch, at most L. Throws a `UserError` if none is wide enough. */
export function windowWidth(config: DiffWaveConfig, sizes: { B: number; L: number }, limits: {
  readonly maxStorageBufferBindingSize: number;
}): number {
  const { B, L } = sizes;
  const widestTensor = 2 * config.channels * 4; // bytes of one row of the dilated convolution's result
  const rows = Math.min(mostRows, Math.floor(limits.maxStorageBufferBindingSize / widestTensor));
  const width = Math.min(L, Math.max(Math.floor(rows / B), receptiveField(config) * 2));
  if (width * B * widestTensor > limits.maxStorageBufferBindingSize) {
    throw new UserError(
      `${B} clips at once are too many for this adapter and a receptive field of ${receptiveField(config)} samples: use a smaller batch`,
    );
  }
  return width;
}

export class Denoiser {
  readonly B: number;
  readonly L: number;
  readonly windows: readonly Window[];
  /** Samples of one window. */
  readonly width: number;
  /** x_t, (B, L): written by whoever uses the denoiser. */
  readonly x: BufferRange;
  /** ε_θ(x_t, t), (B, L). */
  readonly predicted: BufferRange;
  /** One window's pass, for whoever wants to time its parts. */
  readonly executable: Executable;
  readonly #gpu: Gpu;
  readonly #t: Tensor;

  private constructor(parts: {
    gpu: Gpu; B: number; L: number; width: number; windows: Window[];
    x: BufferRange; predicted: BufferRange; executable: Executable; t: Tensor;
  }) {
    this.#gpu = parts.gpu;
    this.B = parts.B;
    this.L = parts.L;
    this.width = parts.width;
    this.windows = parts.windows;
    this.x = parts.x;
    this.predicted = parts.predicted;
    this.executable = parts.executable;
    this.#t = parts.t;
  }

  /** `width` fixes the window's size in samples, for tests; by default it follows from the adapter. */
  static async create(options: { model: DiffWave; B: number; L: number; width?: number }): Promise<Denoiser> {
    const { model, B, L } = options;
    const { gpu, config } = model;
    const bytes = B * L * 4;
    const { maxStorageBufferBindingSize } = gpu.device.limits;
    if (bytes > maxStorageBufferBindingSize) {
      throw new UserError(
        `${B} × ${L} samples do not fit into one binding of this adapter: at most ${Math.floor(maxStorageBufferBindingSize / 4 / B)} samples at this batch`,
      );
    }
    const width = Math.min(L, options.width ?? windowWidth(config, { B, L }, gpu.device.limits));
    const windows = windowsOf({ L, width, halo: (receptiveField(config) - 1) / 2 });
    const x = { buffer: gpu.buffers.acquire(bytes, 'x'), offset: 0, size: bytes };
    const predicted = { buffer: gpu.buffers.acquire(bytes, 'predicted noise'), offset: 0, size: bytes };

    try {
      const tape = new Tape({ parameters: model.parameters, variant: gpu.variant, keeps: 'nothing' });
      const t = tape.input('t', [B]);
      const tile = gatherWindow(tape, tape.external('x', [B, L], x), width);
      scatterWindow(tape, network(tape, config, { noisy: tile, t }), tape.external('predicted', [B, L], predicted));
      const plan = planTape(tape);
      checkPlan(plan, gpu.device.limits, 'use a smaller batch');
      const executable = await Executable.build(gpu, plan);
      return new Denoiser({ gpu, B, L, width, windows, x, predicted, executable, t });
    } catch (error) {
      for (const { buffer } of [x, predicted]) gpu.buffers.release(buffer);
      throw error;
    }
  }

  get plan(): Plan {
    return this.executable.plan;
  }

  write(x: Float32Array<ArrayBuffer>): void {
    this.#gpu.device.queue.writeBuffer(this.x.buffer, 0, x);
  }

  /** Queues the prediction for the steps t of the batch's items, window by window. */
  async predict(t: readonly number[]): Promise<void> {
    this.executable.write(this.#t, Float32Array.from(t));
    for (const { start, coreStart, coreEnd } of this.windows) {
      this.executable.run({ windowStart: start, coreStart, coreEnd });
      await this.#gpu.throttle();
    }
  }

  async readX(): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.#gpu.read(this.x.buffer, this.x));
  }

  async readPredicted(): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.#gpu.read(this.predicted.buffer, this.predicted));
  }

  destroy(): void {
    this.executable.destroy();
    this.#gpu.buffers.release(this.x.buffer);
    this.#gpu.buffers.release(this.predicted.buffer);
  }
}
