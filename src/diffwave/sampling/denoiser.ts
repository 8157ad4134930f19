/**
 * The trained network over clips of any length, window by window (see `tiles.ts`): the result is that of the whole
 * clip, to the bit. Keeps x_t and the whole prediction; sampling, which does not need that, works in place (`walk.ts`).
 */
import type { Plan } from '../../autograd/plan.ts';
import { checkPlan, planTape } from '../../autograd/plan.ts';
import { Executable } from '../../autograd/executable.ts';
import { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { UserError } from '../../errors.ts';
import { building } from '../../building.ts';
import type { BufferPool, BufferRange } from '../../gpu/device/buffers.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import { gatherWindow, scatterWindow } from '../../ops/window.ts';
import type { Told } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import type { Window } from './tiles.ts';
import { tilesFor } from './tiles.ts';
import { expectTold, recordTold } from './told.ts';

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
  readonly #pool: BufferPool;
  #destroyed = false;
  readonly #t: Tensor;

  private constructor(parts: {
    gpu: Gpu; B: number; L: number; width: number; windows: readonly Window[];
    x: BufferRange; predicted: BufferRange; executable: Executable; t: Tensor;
  }) {
    this.#gpu = parts.gpu;
    this.#pool = parts.gpu.buffers; // that of the device it was made on
    this.B = parts.B;
    this.L = parts.L;
    this.width = parts.width;
    this.windows = parts.windows;
    this.x = parts.x;
    this.predicted = parts.predicted;
    this.executable = parts.executable;
    this.#t = parts.t;
  }

  /**
   * `tileSamples` are those that a window decides; by default they follow from the adapter. In a `loop` the clip's end
   * meets its beginning, in place of zeros. Throws a `UserError` where the network cannot be told what is `told`.
   */
  static async create(options: {
    model: Model; B: number; L: number; tileSamples?: number; loop?: boolean; told?: Told;
  }): Promise<Denoiser> {
    const { model, B, L, told } = options;
    expectTold(model.network, told, L);
    const { gpu } = model;
    const bytes = B * L * 4;
    const { width, windows } = tilesFor(model, options);
    return building(async (undo) => {
      const taken = (label: string): BufferRange => {
        const buffer = gpu.buffers.acquire(bytes, label);
        undo(() => gpu.buffers.release(buffer));
        return { buffer, offset: 0, size: bytes };
      };
      const [x, predicted] = [taken('x'), taken('predicted noise')];
      const tape = new Tape({ parameters: model.parameters, variant: gpu.variant, keeps: 'nothing' });
      const t = tape.input('t', [B]);
      const tile = gatherWindow(tape, tape.external('x', [B, L], x), width);
      scatterWindow(tape, recordTold(tape, model.network, { noisy: tile, t }, { told, clipSamples: L }), tape.external('predicted', [B, L], predicted));
      const plan = planTape(tape);
      checkPlan(plan, gpu.device.limits, 'use a smaller batch');
      const executable = await Executable.build(gpu, plan);
      return new Denoiser({ gpu, B, L, width, windows, x, predicted, executable, t });
    });
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

  async readPredicted(): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.#gpu.read(this.predicted.buffer, this.predicted));
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the memory back to the pool. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.executable.destroy();
    for (const { buffer } of [this.x, this.predicted]) this.#pool.release(buffer);
  }
}

/**
 * ε_θ(x_t, t): noisy (B, L) as one array, t of every item counted from 0. Returns (B, L); of a network whose configuration
 * says that it predicts v, that is v_θ. Clips of any length: what does not fit at once is worked through in windows. Builds
 * a `Denoiser` for this one prediction; whoever wants many of one shape keeps one. Throws a `UserError` on arguments that
 * make no sense, and where it does not fit the adapter.
 */
export async function predictNoise(
  model: Model, noisy: Float32Array<ArrayBuffer>, options: { t: readonly number[]; told?: Told },
): Promise<Float32Array<ArrayBuffer>> {
  const { t, told } = options;
  const B = t.length;
  const L = noisy.length / B;
  if (!Number.isInteger(L) || L < 1) throw new UserError(`predictNoise: ${noisy.length} samples do not make ${B} equal clips`);
  const last = model.diffusion.diffusionSteps - 1;
  for (const step of t) {
    if (!(step >= 0 && step <= last)) throw new UserError(`predictNoise: wanted steps t from 0 to ${last}, got ${step}`);
  }
  using denoiser = await Denoiser.create({ model, B, L, told });
  denoiser.write(noisy);
  await denoiser.predict(t);
  return await denoiser.readPredicted();
}
