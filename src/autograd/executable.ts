/** A planned tape with memory: write inputs, run, read results. */
import { UserError } from '../errors.ts';
import type { BufferRange } from '../gpu/buffers.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Values } from '../gpu/program.ts';
import { Program } from '../gpu/program.ts';
import type { Plan } from './plan.ts';
import type { Storage, Tensor } from './tensor.ts';

/** No kernel computes this: the bit pattern of a NaN with a payload. */
const guardPattern = 0x7fc0_dead;

export class Executable {
  readonly plan: Plan;
  readonly #gpu: Gpu;
  readonly #buffers: readonly GPUBuffer[];
  readonly #program: Program;

  private constructor(gpu: Gpu, plan: Plan, buffers: readonly GPUBuffer[], program: Program) {
    this.#gpu = gpu;
    this.plan = plan;
    this.#buffers = buffers;
    this.#program = program;
  }

  /** Allocates the plan's buffers, compiles its kernels, uploads its constants. */
  static async build(gpu: Gpu, plan: Plan): Promise<Executable> {
    gpu.check();
    const names = new Map<number, string>();
    for (const [storage, index] of plan.place) names.set(index, names.get(index) ?? storage.name);
    const buffers: GPUBuffer[] = [];
    try {
      plan.buffers.forEach((size, index) => buffers.push(gpu.buffers.acquire(size, names.get(index) ?? 'unused')));
      const program = await Program.build(
        gpu,
        plan.operations.map((operation) => ({
          kernel: operation.kernel,
          bindings: Object.fromEntries(
            [...Object.entries(operation.reads), ...Object.entries(operation.writes)].map(([name, tensor]) => [
              name,
              rangeOf(tensor.storage, plan, buffers),
            ]),
          ),
          writes: Object.keys(operation.writes),
          params: operation.params,
          step: operation.step,
          workgroups: operation.workgroups,
        })),
      );
      for (const storage of plan.place.keys()) {
        const { buffer, size } = rangeOf(storage, plan, buffers);
        if (storage.content) gpu.device.queue.writeBuffer(buffer, 0, storage.content);
        if (plan.guardBytes > 0) {
          const guard = new Uint32Array((size - storage.size) / 4).fill(guardPattern);
          gpu.device.queue.writeBuffer(buffer, storage.size, guard);
        }
      }
      return new Executable(gpu, plan, buffers, program);
    } catch (error) {
      for (const buffer of buffers) gpu.buffers.release(buffer);
      throw error;
    }
  }

  /** Queues one run. `values` are the fields of the kernels' `step` uniforms. */
  run(values: Values = {}): void {
    this.#program.run(values);
  }

  /** Writes a whole input. Queued: what runs before sees the old value, what runs after the new one. */
  write(tensor: Tensor, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void {
    if (data.length !== tensor.length) throw new TypeError(`${tensor}: ${data.length} values were written`);
    const { buffer, offset } = this.range(tensor);
    this.#gpu.device.queue.writeBuffer(buffer, offset, data);
  }

  /** The values of a tensor that is an input, was kept, or is external. */
  async read(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
    if (tensor.storage.kind === 'planned') throw new Error(`${tensor} was not kept, its memory is shared`);
    const { buffer, offset } = this.range(tensor);
    return new Float32Array(await this.#gpu.read(buffer, { offset, size: tensor.length * 4 }));
  }

  /** Where a tensor is. */
  range(tensor: Tensor): BufferRange {
    return rangeOf(tensor.storage, this.plan, this.#buffers);
  }

  /** Throws if a kernel wrote behind one of its outputs. Needs a plan with `guardBytes`. */
  async checkGuards(): Promise<void> {
    if (this.plan.guardBytes === 0) throw new Error('this plan has no guards');
    for (const storage of this.plan.place.keys()) {
      const { buffer, size } = rangeOf(storage, this.plan, this.#buffers);
      const guard = new Uint32Array(await this.#gpu.read(buffer, { offset: storage.size, size: size - storage.size }));
      const broken = guard.findIndex((word) => word !== guardPattern);
      if (broken >= 0) throw new UserError(`a kernel wrote ${broken + 1} elements behind the end of '${storage.name}'`);
    }
  }

  /** Gives the memory back to the pool. */
  destroy(): void {
    this.#program.destroy();
    for (const buffer of this.#buffers) this.#gpu.buffers.release(buffer);
  }
}

function rangeOf(storage: Storage, plan: Plan, buffers: readonly GPUBuffer[]): BufferRange {
  if (storage.range) return storage.range;
  const index = plan.place.get(storage);
  if (index === undefined) throw new Error(`'${storage.name}' is not part of this program`);
  return { buffer: buffers[index]!, offset: 0, size: storage.size + plan.guardBytes };
}
