/** A planned tape with memory: write inputs, run, read results. */
import { building } from '../building.ts';
import type { BufferPool, BufferRange } from '../gpu/device/buffers.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import type { Dispatch, Values } from '../gpu/program/dispatch.ts';
import { Program } from '../gpu/program/program.ts';
import type { Operation } from './operation.ts';
import type { Plan } from './plan.ts';
import type { Storage, Tensor } from './tensor.ts';

/** No kernel computes this: the bit pattern of a NaN with a payload. */
const guardPattern = 0x7fc0_dead;

export class Executable {
  readonly plan: Plan;
  /** The plan's operations as dispatches, in the same order, up to `end`. */
  readonly program: Program;
  readonly #gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #buffers: GPUBuffer[];

  private constructor(gpu: Gpu, plan: Plan, buffers: GPUBuffer[], program: Program) {
    this.#gpu = gpu;
    this.#pool = gpu.buffers; // that of the device it was made on
    this.plan = plan;
    this.#buffers = buffers;
    this.program = program;
  }

  /**
   * Allocates the plan's buffers, compiles its kernels, uploads its constants. Throws an `OutOfMemoryError` if they do not fit.
   * With `end`, its program is the operations before that; `programFrom` makes one of the others.
   */
  static build(gpu: Gpu, plan: Plan, { end }: { readonly end?: number } = {}): Promise<Executable> {
    return building(async (undo) => {
      gpu.check();
      const names = new Map<number, string>();
      for (const [storage, index] of plan.place) names.set(index, names.get(index) ?? storage.name);
      const buffers = plan.buffers.map((size, index) => {
        const buffer = gpu.buffers.acquire(size, names.get(index) ?? 'unused');
        undo(() => gpu.buffers.release(buffer));
        return buffer;
      });
      await gpu.buffers.expect(buffers);
      const program = await Program.build(gpu, plan.operations.slice(0, end).map((operation) => dispatchOf(operation, plan, buffers)));
      undo(() => program.destroy());
      for (const storage of plan.place.keys()) {
        const { buffer, size } = rangeOf(storage, plan, buffers);
        if (storage.content) gpu.device.queue.writeBuffer(buffer, 0, storage.content);
        if (plan.guardBytes > 0) {
          const guard = new Uint32Array((size - storage.size) / 4).fill(guardPattern);
          gpu.device.queue.writeBuffer(buffer, storage.size, guard);
        }
      }
      return new Executable(gpu, plan, buffers, program);
    });
  }

  /** A program of the operations from `start` on, which work in the same memory. The caller's to destroy. */
  programFrom(start: number): Promise<Program> {
    return Program.build(this.#gpu, this.plan.operations.slice(start).map((operation) => dispatchOf(operation, this.plan, this.#buffers)));
  }

  /** Queues one run. `values` are the fields of the kernels' `step` uniforms. */
  run(values: Values = {}): void {
    this.program.run(values);
  }

  /** Writes a whole input. Queued: what runs before sees the old value, what runs after the new one. */
  write(tensor: Tensor, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void {
    if (data.length !== tensor.length) throw new TypeError(`${tensor}: ${data.length} values were written`);
    const { buffer, offset } = this.range(tensor);
    this.#gpu.device.queue.writeBuffer(buffer, offset, data);
  }

  /** The values of a tensor that is an input, was kept, or is external. */
  async read(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
    if (tensor.dtype === 'f16') throw new Error(`${tensor} is f16, which the host does not read`);
    if (tensor.storage.kind === 'planned') throw new Error(`${tensor} was not kept, its memory is shared`);
    const { buffer, offset } = this.range(tensor);
    return new Float32Array(await this.#gpu.read(buffer, { offset, size: tensor.length * 4 }));
  }

  /** Where a tensor is. */
  range(tensor: Tensor): BufferRange {
    return partOf(tensor, rangeOf(tensor.storage, this.plan, this.#buffers));
  }

  /** The tensors behind whose end a kernel wrote, and how many elements there. Needs a plan with `guardBytes`. */
  async overwrittenGuards(): Promise<{ name: string; elements: number }[]> {
    if (this.plan.guardBytes === 0) throw new Error('this plan has no guards');
    const overwritten: { name: string; elements: number }[] = [];
    for (const storage of this.plan.place.keys()) {
      const { buffer, size } = rangeOf(storage, this.plan, this.#buffers);
      const guard = new Uint32Array(await this.#gpu.read(buffer, { offset: storage.size, size: size - storage.size }));
      const elements = guard.filter((word) => word !== guardPattern).length;
      if (elements > 0) overwritten.push({ name: storage.name, elements });
    }
    return overwritten;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the memory back to the pool. */
  destroy(): void {
    this.program.destroy();
    for (const buffer of this.#buffers.splice(0)) this.#pool.release(buffer);
  }
}

function dispatchOf({ reads, writes, ...operation }: Operation, plan: Plan, buffers: readonly GPUBuffer[]): Dispatch {
  const bindings = [...Object.entries(reads), ...Object.entries(writes)].map(([name, tensor]): [string, BufferRange] =>
    [name, partOf(tensor, rangeOf(tensor.storage, plan, buffers))]);
  return { ...operation, bindings: Object.fromEntries(bindings), writes: Object.keys(writes) };
}

function rangeOf(storage: Storage, plan: Plan, buffers: readonly GPUBuffer[]): BufferRange {
  if (storage.range) return storage.range;
  const index = plan.place.get(storage);
  if (index === undefined) throw new Error(`'${storage.name}' is not part of this program`);
  return { buffer: buffers[index]!, offset: 0, size: storage.size + plan.guardBytes };
}

/** The range of a tensor within its storage: a whole storage keeps its guard, a part of one ends where it ends. */
function partOf(tensor: Tensor, range: BufferRange): BufferRange {
  const size = tensor.bytes;
  if (size === tensor.storage.size) return range;
  return { buffer: range.buffer, offset: range.offset + tensor.offset, size };
}
