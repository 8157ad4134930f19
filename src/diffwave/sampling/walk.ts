/**
 * What sampling does to a clip on the GPU, move by move, where the clip is: x_t is the only array of its size (a
 * second-order sampler keeps x̂_0 beside it, and filling a gap the known sound). A move goes through the clip tile by
 * tile from its start; one tile is one recorded program: gather with margins, save the old samples that the next tiles
 * will see, network, noise, update. Nothing is read back in between. Of a clip with a gap the network sees no more than the gap
 * (`core`) and its margins: what lies around it is imposed, and needs no prediction.
 */
import { Executable } from '../../autograd/executable.ts';
import { checkPlan, planTape } from '../../autograd/plan.ts';
import { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { building } from '../../building.ts';
import type { BufferPool, BufferRange } from '../../gpu/device/buffers.ts';
import type { Values } from '../../gpu/program/dispatch.ts';
import { noise, noiseValues } from '../../ops/noise.ts';
import { impose, renoise } from '../../ops/renoise.ts';
import type { ReverseCoefficients } from '../../ops/reverse.ts';
import { reverseValues } from '../../ops/reverse.ts';
import type { Model } from '../model/model.ts';
import type { StartShape } from './start.ts';
import { shapedStart } from './start.ts';
import { Sharing } from './sharing.ts';
import { streams } from '../streams.ts';
import type { Recorded, Settled, WalkOptions } from './tileProgram.ts';
import { marginBytes, placeOf, recordTile, settled } from './tileProgram.ts';
import type { Stretch, Tiles, Window } from './tiles.ts';
import { tilesFor, windowsOf } from './tiles.ts';
import type { Wave } from './waves.ts';

/** Samples of a part of a move without network at least, where only a core is predicted. */
const leastPart = 1 << 14;

/** Bytes that go between host and GPU at once: what a long clip's copy needs of memory stays small. */
const transferBytes = 1 << 24;

/** A step of the reverse process: `t` is what the network is told, `draw` numbers its noise, `limit` is where x̂_0 is clamped. */
export interface ReverseStep {
  readonly t: number;
  readonly coefficients: ReverseCoefficients;
  readonly draw: number;
  readonly limit?: number;
  /** Called after every tile has been queued. */
  readonly onTile?: (tile: Window) => void;
}

export class Walk {
  readonly tiles: Tiles;
  readonly #model: Model;
  readonly #pool: BufferPool;
  #destroyed = false;
  readonly #options: Settled;
  /** The reverse step of one tile, for whoever wants to time its parts. */
  readonly executable: Executable;
  readonly #recorded: Recorded;
  readonly #x: BufferRange;
  readonly #known: BufferRange | undefined;
  /** What each step of a wave has to remember, (steps, B, margin). */
  readonly #margins: GPUBuffer | undefined;
  readonly #sharing: Sharing | undefined;
  /** The programs without network, built when they are first needed. */
  readonly #others = new Map<string, Promise<Executable>>();

  private constructor(model: Model, options: Settled, parts: {
    tiles: Tiles; recorded: Recorded; denoise: Executable; known: BufferRange | undefined; margins: GPUBuffer | undefined;
  }) {
    this.#model = model;
    this.#pool = model.gpu.buffers; // that of the device it was made on
    this.#options = options;
    this.tiles = parts.tiles;
    this.#recorded = parts.recorded;
    this.executable = parts.denoise;
    this.#x = parts.denoise.range(parts.recorded.x);
    this.#known = parts.known;
    this.#margins = parts.margins;
    const { B, L, ranks } = options;
    this.#sharing = ranks && new Sharing({ gpu: model.gpu, ranks, x: this.#x, B, L, halo: parts.tiles.halo });
  }

  /** Allocates everything a step needs. Throws a `UserError` if that does not fit the adapter. */
  static async create(model: Model, walkOptions: WalkOptions): Promise<Walk> {
    const options = settled(walkOptions);
    const { gpu } = model;
    const tiles = tilesFor(model, options);
    const recorded = recordTile(model, options, tiles);
    checkPlan(recorded.plan, gpu.device.limits, 'use smaller tiles (`tileSamples`) or a smaller batch');
    return building(async (undo) => {
      const denoise = await Executable.build(gpu, recorded.plan);
      undo(() => denoise.destroy());
      if (recorded.previous) clear(model, denoise.range(recorded.previous)); // its factor is 0 at first, and 0·NaN is NaN
      const size = options.B * options.L * 4;
      const known = options.known ? { buffer: gpu.buffers.acquire(size, 'known'), offset: 0, size } : undefined;
      if (known) {
        undo(() => gpu.buffers.release(known.buffer));
        await gpu.buffers.expect([known.buffer]);
      }
      const margins = options.waves > 0 ? gpu.buffers.acquire(marginBytes(options, tiles.halo), 'margins of the waves') : undefined;
      if (margins) {
        undo(() => gpu.buffers.release(margins));
        await gpu.buffers.expect([margins]);
      }
      return new Walk(model, options, { tiles, recorded, denoise, known, margins });
    });
  }

  /** x = z: white noise, or noise of the shape of x_T. */
  async start(shape?: StartShape): Promise<void> {
    const { B, L, firstItem, seed, loop } = this.#options;
    if (shape) return shapedStart(this.#model.gpu, this.#x, { ...shape, B, L, firstItem, seed, circular: loop });
    const program = await this.#other('start', (tape, x) => {
      noise(tape, { B, L, stream: streams.start, firstItem, into: x });
    });
    program.run(noiseValues({ seed, step: 0 }));
  }

  /** One reverse step of the whole clip, or of its core, tile by tile. */
  async denoise(step: ReverseStep): Promise<void> {
    this.#saveOld();
    await this.#denoiseWindows(this.tiles.windows, step);
    await this.#sharing?.exchange();
  }

  /** What a wave does of a reverse step: see `waves.ts`, whose order of waves this relies on. */
  async denoisePart({ step, part }: Wave, options: ReverseStep): Promise<void> {
    const { width, halo } = this.tiles;
    const { L } = this.#options;
    if (part[0] > 0) this.#copyMargins(step, 'back');
    const windows = windowsOf({ L, width, halo, core: part });
    await this.#denoiseWindows(windows, options);
    this.#copyMargins(step, 'away');
  }

  async #denoiseWindows(windows: readonly Window[], { t, coefficients, draw, limit, onTile }: ReverseStep): Promise<void> {
    this.executable.write(this.#recorded.t, new Float32Array(this.#options.B).fill(t));
    const { seed } = this.#options;
    for (const window of windows) {
      this.executable.run({ ...reverseValues(coefficients, limit), ...placeOf(window), ...noiseValues({ seed, step: draw, start: window.coreStart }) });
      await this.#model.gpu.throttle();
      onTile?.(window);
    }
  }

  /** x = signalLevel·x + noiseLevel·z, in the core. */
  async renoise(options: { signalLevel: number; noiseLevel: number; draw: number }): Promise<void> {
    const { draw, ...levels } = options;
    const program = await this.#other('renoise', (tape, x) => {
      renoise(tape, { x, noise: this.#tileNoise(tape, streams.renoise) });
    });
    await this.#eachPart(program, this.tiles.core, { draw, values: { ...levels, gapStart: 0, gapEnd: 0 } });
    await this.#sharing?.exchange();
  }

  /**
   * x = signalLevel·known + noiseLevel·z but in the samples of `gap`: everywhere, or only `near` the core, as far as the next
   * prediction sees.
   */
  async impose(options: {
    signalLevel: number; noiseLevel: number; draw: number; gap: Stretch; near?: boolean;
  }): Promise<void> {
    const { draw, gap: [gapStart, gapEnd], near = false, ...levels } = options;
    const { B, L } = this.#options;
    const known = this.#known;
    if (!known) throw new Error('this walk knows no sound to impose');
    const program = await this.#other('impose', (tape, x) => {
      impose(tape, { x, known: tape.external('known', [B, L], known), noise: this.#tileNoise(tape, streams.imposed) });
    });
    const { core: [from, to], halo } = this.tiles;
    // What a loop sees beside the core may be at its other end.
    const stretch: Stretch = near && !this.#options.loop ? [Math.max(0, from - halo), Math.min(L, to + halo)] : [0, L];
    await this.#eachPart(program, stretch, { draw, values: { ...levels, gapStart, gapEnd } });
  }

  /** Puts clips of L samples into x, or into the known sound. */
  async write(clips: readonly Float32Array[], place: 'x' | 'known' = 'x'): Promise<void> {
    const range = place === 'x' ? this.#x : this.#known;
    const { gpu } = this.#model;
    const { L } = this.#options;
    if (!range) throw new Error('this walk knows no sound');
    for (const [b, clip] of clips.entries()) {
      if (clip.length !== L) throw new TypeError(`clip ${b} has ${clip.length} samples, the walk ${L}`);
      for (let from = 0; from < L; from += transferBytes / 4) {
        const part = new Float32Array(clip.subarray(from, from + transferBytes / 4));
        gpu.device.queue.writeBuffer(range.buffer, range.offset + (b * L + from) * 4, part);
        await gpu.throttle();
      }
    }
  }

  /** x, or a stretch of it, one array a clip. */
  async read([start, end]: Stretch = [0, this.#options.L]): Promise<Float32Array<ArrayBuffer>[]> {
    if (this.#sharing) return this.#sharing.gather();
    const { B, L } = this.#options;
    const clips: Float32Array<ArrayBuffer>[] = [];
    for (let b = 0; b < B; b++) {
      const clip = new Float32Array(end - start);
      for (let from = start; from < end; from += transferBytes / 4) {
        const size = Math.min(transferBytes, (end - from) * 4);
        const part = await this.#model.gpu.read(this.#x.buffer, { offset: this.#x.offset + (b * L + from) * 4, size });
        clip.set(new Float32Array(part), from - start);
      }
      clips.push(clip);
    }
    return clips;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }

  /** Gives the memory back to the pool, once what is still being built is there. */
  async destroy(): Promise<void> {
    if (this.#destroyed) return;
    this.#destroyed = true;
    for (const program of await Promise.allSettled(this.#others.values())) {
      if (program.status === 'fulfilled') program.value.destroy();
    }
    this.executable.destroy();
    if (this.#known) this.#pool.release(this.#known.buffer);
    if (this.#margins) this.#pool.release(this.#margins);
  }

  #tileNoise(tape: Tape, stream: number): Tensor {
    const { B, firstItem } = this.#options;
    return noise(tape, { B, L: this.#partSamples, stream, firstItem });
  }

  /** Samples that a move without network changes at once: many, where the network's tiles are small because the core is. */
  get #partSamples(): number {
    const { L, core } = this.#options;
    return core ? Math.min(L, Math.max(this.tiles.width, leastPart)) : this.tiles.width;
  }

  /** What the first tile sees on its left, and a loop's last ones past the end, if the first tile does not begin with the clip. */
  #saveOld(): void {
    const { gpu } = this.#model;
    const { B, L } = this.#options;
    const from = this.tiles.core[0];
    if (from === 0) return;
    const { before, head } = this.#recorded.old;
    const margin = before.shape[1]!;
    const encoder = gpu.device.createCommandEncoder();
    const copy = (at: number, count: number, tensor: Tensor, to: number): void => {
      const range = this.executable.range(tensor);
      encoder.copyBufferToBuffer(this.#x.buffer, this.#x.offset + 4 * at, range.buffer, range.offset + 4 * to, 4 * count);
    };
    for (let b = 0; b < B; b++) {
      const count = Math.min(from, margin);
      copy(b * L + from - count, count, before, b * margin + margin - count);
      copy(b * L, Math.min(L, margin), head, b * margin);
    }
    gpu.submit(encoder.finish());
  }

  /** Old samples on the left of where this step goes on: `away` until the next wave, and `back` for it. */
  #copyMargins(step: number, where: 'away' | 'back'): void {
    const { gpu } = this.#model;
    const margins = this.#margins;
    if (!margins) throw new Error('this walk does not go in waves');
    const { buffer, offset } = this.executable.range(this.#recorded.old.before);
    const size = this.#recorded.old.before.bytes;
    const encoder = gpu.device.createCommandEncoder();
    if (where === 'away') encoder.copyBufferToBuffer(buffer, offset, margins, step * size, size);
    else encoder.copyBufferToBuffer(margins, step * size, buffer, offset, size);
    gpu.submit(encoder.finish());
  }

  #other(name: string, record: (tape: Tape, x: Tensor) => void): Promise<Executable> {
    const known = this.#others.get(name);
    if (known) return known;
    const { B, L } = this.#options;
    const tape = new Tape();
    record(tape, tape.external('x', [B, L], this.#x));
    const program = Executable.build(this.#model.gpu, planTape(tape));
    this.#others.set(name, program);
    program.catch(() => this.#others.delete(name)); // the next call tries again
    return program;
  }

  /** Runs a program without network on a stretch of the clip, part by part. */
  async #eachPart(program: Executable, [from, to]: Stretch, { draw, values }: { draw: number; values: Values }): Promise<void> {
    const { seed } = this.#options;
    for (let coreStart = from; coreStart < to; coreStart += this.#partSamples) {
      const coreEnd = Math.min(to, coreStart + this.#partSamples);
      program.run({ ...values, coreStart, coreEnd, ...noiseValues({ seed, step: draw, start: coreStart }) });
      await this.#model.gpu.throttle();
    }
  }
}

function clear({ gpu }: Model, { buffer, offset, size }: BufferRange): void {
  const encoder = gpu.device.createCommandEncoder();
  encoder.clearBuffer(buffer, offset, size);
  gpu.submit(encoder.finish());
}
