/**
 * The parameters of a network, packed by name into one flat buffer, so that one dispatch can update them all.
 * Gradients and Adam's moments are further buffers with the same places; they exist only while training.
 */
import { UserError } from '../errors.ts';
import type { BufferPool, BufferRange } from '../gpu/device/buffers.ts';
import { alignUp, bindingAlignment, formatBytes } from '../gpu/device/buffers.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import { elementsOf } from './tensor.ts';

/** Provides parameters and the place of their gradients; see `parameters.ts`. */
export interface ParameterSource {
  value(name: string): { readonly shape: readonly number[]; readonly range: BufferRange };
  gradient(name: string): BufferRange;
  /** The buffer in which all parameters have their place. */
  readonly values: { readonly buffer: GPUBuffer; readonly size: number };
  /** The same for their gradients. */
  readonly gradients: { readonly buffer: GPUBuffer; readonly size: number };
}

export interface ParameterSpec {
  readonly name: string;
  /** The shape the kernels see. */
  readonly shape: readonly number[];
}

/** One flat buffer with a place for every parameter. */
export interface FlatBuffer {
  readonly buffer: GPUBuffer;
  /** Bytes. */
  readonly size: number;
}

export class Parameters implements ParameterSource {
  readonly specs: readonly ParameterSpec[];
  /** Bytes of one flat buffer, with the gaps that alignment asks for. */
  readonly size: number;
  readonly values: FlatBuffer;
  readonly #gpu: Gpu;
  readonly #pool: BufferPool;
  #destroyed = false;
  readonly #offsets = new Map<string, number>();
  readonly #shapes = new Map<string, readonly number[]>();
  #gradients: FlatBuffer | undefined;
  /** How many train on these. */
  #holders = 0;
  /** What was last written into the values, unless they have changed since. */
  #written: Float32Array<ArrayBuffer> | undefined;

  constructor(gpu: Gpu, specs: readonly ParameterSpec[]) {
    this.#gpu = gpu;
    this.#pool = gpu.buffers; // that of the device it was made on
    this.specs = specs;
    let offset = 0;
    for (const { name, shape } of specs) {
      if (this.#offsets.has(name)) throw new Error(`two parameters are named '${name}'`);
      this.#offsets.set(name, offset);
      this.#shapes.set(name, shape);
      offset += alignUp(elementsOf(shape) * 4, bindingAlignment);
    }
    this.size = offset;
    const limit = gpu.device.limits.maxStorageBufferBindingSize;
    if (offset > limit) {
      throw new UserError(
        `the network's parameters need ${formatBytes(offset)}, but this adapter binds at most ${formatBytes(limit)} at once: use fewer layers or channels`,
      );
    }
    this.values = this.flat('parameters');
  }

  /** Number of parameters, gaps not counted. */
  get count(): number {
    return this.specs.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  }

  /** A further flat buffer, filled with zeros: gradients, moments, averages. */
  flat(label: string): FlatBuffer {
    return this.#filled(label, (encoder, buffer) => encoder.clearBuffer(buffer));
  }

  /** A further flat buffer with what is in another one. */
  copy(flat: FlatBuffer, label: string): FlatBuffer {
    return this.#filled(label, (encoder, buffer) => encoder.copyBufferToBuffer(flat.buffer, 0, buffer, 0, this.size));
  }

  #filled(label: string, fill: (encoder: GPUCommandEncoder, buffer: GPUBuffer) => void): FlatBuffer {
    const { device, buffers } = this.#gpu;
    const buffer = buffers.acquire(this.size, label);
    try {
      const encoder = device.createCommandEncoder();
      fill(encoder, buffer);
      device.queue.submit([encoder.finish()]);
    } catch (error) {
      buffers.release(buffer);
      throw error;
    }
    return { buffer, size: this.size };
  }

  /** The flat buffer of the gradients; made at the first call. It stays until those who hold it have released it. */
  get gradients(): FlatBuffer {
    return (this.#gradients ??= this.flat('gradients'));
  }

  value(name: string): { readonly shape: readonly number[]; readonly range: BufferRange } {
    return { shape: this.shape(name), range: this.range(this.values, name) };
  }

  gradient(name: string): BufferRange {
    return this.range(this.gradients, name);
  }

  shape(name: string): readonly number[] {
    const shape = this.#shapes.get(name);
    if (!shape) throw new Error(`there is no parameter '${name}'`);
    return shape;
  }

  /** The place of one parameter within a flat buffer. */
  range(flat: FlatBuffer, name: string): BufferRange {
    const size = elementsOf(this.shape(name)) * 4;
    return { buffer: flat.buffer, offset: this.#offsets.get(name)!, size };
  }

  /** Writes values by name into a flat buffer; every parameter must be there with its number of elements. */
  write(flat: FlatBuffer, values: ReadonlyMap<string, Float32Array>): void {
    const all = new Float32Array(flat.size / 4);
    for (const { name, shape } of this.specs) {
      const value = values.get(name);
      if (value?.length !== elementsOf(shape)) {
        throw new TypeError(`'${name}': wanted ${elementsOf(shape)} values, got ${value?.length ?? 'none'}`);
      }
      all.set(value, this.#offsets.get(name)! / 4);
    }
    this.#gpu.device.queue.writeBuffer(flat.buffer, 0, all);
    if (flat === this.values) this.#written = all;
  }

  /** The values as they were last written, as long as no update has changed them on the GPU since: known without asking it. */
  written(): Map<string, Float32Array<ArrayBuffer>> | undefined {
    return this.#written && this.#named(this.#written);
  }

  /** To be told when something on the GPU changes the values. */
  valuesChange(): void {
    this.#written = undefined;
  }

  /** Reads a flat buffer back, by name. */
  async read(flat: FlatBuffer): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    return this.#named(new Float32Array(await this.#gpu.read(flat.buffer, { offset: 0, size: flat.size })));
  }

  #named(all: Float32Array<ArrayBuffer>): Map<string, Float32Array<ArrayBuffer>> {
    return new Map(
      this.specs.map(({ name, shape }) => {
        const start = this.#offsets.get(name)! / 4;
        return [name, all.slice(start, start + elementsOf(shape))];
      }),
    );
  }

  /** To be called by what trains, before it asks for the gradients. */
  holdGradients(): void {
    this.#holders++;
  }

  /** To be called once for every `holdGradients`. The last one gives the gradients' memory back; the next gets new ones. */
  releaseGradients(): void {
    if (--this.#holders === 0) this.#dropGradients();
  }

  #dropGradients(): void {
    if (this.#gradients) this.#pool.release(this.#gradients.buffer);
    this.#gradients = undefined;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives all memory back to the pool, but for further flat buffers, which are their owners'. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#dropGradients();
    this.#pool.release(this.values.buffer);
  }
}
