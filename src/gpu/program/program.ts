/**
 * A program: a flat list of dispatches, fixed once, replayed as often as wanted. Nothing is made while it runs: a run
 * writes the per-step uniform, encodes the list into one pass and submits once, or in pieces where a GPU is slow.
 *
 * Two uniforms have a meaning here. `params` is what is known when the program is built; all of them live in one
 * static buffer. `step` is what changes from run to run (seed, learning rate, …); its fields are looked up by name
 * among the values given to `run`.
 */
import { allSettled } from '../../allSettled.ts';
import { building } from '../../building.ts';
import { UserError } from '../../errors.ts';
import type { BufferPool } from '../device/buffers.ts';
import { alignUp, bindingAlignment, formatBytes } from '../device/buffers.ts';
import type { Command } from './commands.ts';
import { bindGroupOf, uniformSlots } from './commands.ts';
import type { Gpu } from '../device/gpu.ts';
import type { Kernel } from '../wgsl/kernels.ts';
import type { Piece, TooLong } from './pieces.ts';
import { Pieces } from './pieces.ts';
import type { Dispatch, Values } from './dispatch.ts';
import type { Slices } from './slices.ts';
import { buildSlices, guessedParts, kernelFor } from './slices.ts';
import type { Field } from '../wgsl/wgsl.ts';
import { packUniform } from '../wgsl/wgsl.ts';

interface StepSlot {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly view: DataView;
}

/**
 * Splits `workgroups` into x and y, each within `limit`. The kernel puts them together again as
 * `workgroup_id.x + workgroup_id.y * num_workgroups.x` and ignores the few beyond its work.
 */
export function foldGrid(workgroups: number, limit: number): { readonly x: number; readonly y: number } {
  if (!Number.isSafeInteger(workgroups) || workgroups < 1) throw new RangeError(`a grid of ${workgroups} workgroups`);
  const y = Math.ceil(workgroups / limit);
  if (y > limit) throw new UserError(`${workgroups} workgroups are more than this adapter can start at once (${limit} × ${limit})`);
  return { x: Math.ceil(workgroups / y), y };
}

/** What `build` makes. */
interface Parts {
  readonly dispatches: readonly Dispatch[];
  readonly commands: readonly Command[]; // one for each dispatch
  readonly uniforms: GPUBuffer | undefined;
  readonly stepSlots: readonly StepSlot[];
  readonly stepBytes: Uint8Array<ArrayBuffer>;
  readonly stepBuffer: GPUBuffer | undefined;
  readonly stepBindings: readonly (GPUBufferBinding | undefined)[]; // by dispatch
  /** By dispatch, the slices that it is run in until it is timed, where it may be long. */
  readonly guessed: ReadonlyMap<number, Slices>;
}

export class Program {
  readonly #gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #parts: Parts;
  /** What a run submits: the dispatches, some of them in slices. */
  #commands: readonly Command[];
  #pieces: Pieces;
  /** By dispatch, the slices that take its place; undefined where there was an attempt. */
  readonly #slices: Map<number, Slices | undefined>;
  #destroyed = false;

  private constructor(gpu: Gpu, parts: Parts) {
    this.#gpu = gpu;
    this.#pool = gpu.buffers; // that of the device it was made on
    this.#parts = parts;
    this.#slices = new Map(parts.guessed);
    this.#commands = this.#withSlices();
    this.#pieces = this.#piecesOf(this.#commands);
  }

  /**
   * Compiles what is not compiled yet, and makes the uniform buffers and bind groups. What may be long by its `work` is in
   * slices, until it has been timed.
   * Throws on WGSL errors, on bindings that do not fit the shader, and on ranges past the adapter's binding limit; an
   * `OutOfMemoryError` if there was no memory for a buffer that is bound or for the uniforms.
   */
  static build(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<Program> {
    return building((undo) => Program.#build(gpu, dispatches, undo));
  }

  static async #build(gpu: Gpu, dispatches: readonly Dispatch[], undo: (how: () => void) => void): Promise<Program> {
    gpu.check();
    const { device, buffers } = gpu;
    // A buffer that is not there would be reported as something else, or not at all.
    await buffers.expect(new Set(dispatches.flatMap(({ bindings }) => Object.values(bindings).map(({ buffer }) => buffer))));
    // All of them, also where one fails: Dawn does not survive an exit while it compiles.
    const parts = dispatches.map((dispatch) => guessedParts(dispatch, gpu));
    const kernels = await allSettled(dispatches.map(async (dispatch, i) => gpu.kernels.get(await kernelFor(gpu, dispatch, parts[i]!))));
    const paramsBytes = new Uint8Array(dispatches.filter((dispatch) => dispatch.params).length * bindingAlignment);
    const stepBytes = new Uint8Array(dispatches.filter((dispatch) => dispatch.step).length * bindingAlignment);
    const uniforms = uniformSlots(buffers, paramsBytes.length / bindingAlignment, 'params');
    if (uniforms) undo(() => buffers.release(uniforms));
    const stepBuffer = uniformSlots(buffers, stepBytes.length / bindingAlignment, 'step');
    if (stepBuffer) undo(() => buffers.release(stepBuffer));
    await buffers.expect([uniforms, stepBuffer].filter((buffer) => buffer !== undefined));
    const stepSlots: StepSlot[] = [];
    const stepBindings: (GPUBufferBinding | undefined)[] = [];
    let paramsSlots = 0;

    const prepare = (dispatch: Dispatch, position: number): Command => {
      const kernel = kernels[position]!;
      checkBindings(gpu, dispatch, kernel);
      let params: GPUBufferBinding | undefined;
      if (dispatch.params) {
        const fields = kernel.fields('params');
        const slot = { offset: paramsSlots++ * bindingAlignment, size: alignUp(fields.length * 4, 16) };
        packUniform(fields, { firstRow: 0, ...dispatch.params }, new DataView(paramsBytes.buffer, slot.offset, slot.size), kernel.name);
        params = { buffer: uniforms!, ...slot };
      }
      if (dispatch.step) {
        const fields = kernel.fields('step');
        const slot = { offset: stepSlots.length * bindingAlignment, size: alignUp(fields.length * 4, 16) };
        stepSlots.push({ name: kernel.name, fields, view: new DataView(stepBytes.buffer, slot.offset, slot.size) });
        stepBindings[position] = { buffer: stepBuffer!, ...slot };
      }
      const group = bindGroupOf(device, kernel, { bindings: dispatch.bindings, params, step: stepBindings[position] });
      const grid = foldGrid(dispatch.workgroups, device.limits.maxComputeWorkgroupsPerDimension);
      return { dispatch: position, pipeline: kernel.pipeline, group, ...grid };
    };
    let commands: Command[];
    let scope: Promise<GPUError | null>;
    device.pushErrorScope('validation');
    try {
      commands = dispatches.map(prepare);
    } finally {
      scope = device.popErrorScope(); // a scope left open would swallow every later error
      scope.catch(() => undefined); // nobody waits for it if this failed
    }
    const error = await scope;
    if (error) throw new Error(`a program was refused: ${error.message}`);
    if (uniforms) device.queue.writeBuffer(uniforms, 0, paramsBytes);
    const guessed = new Map<number, Slices>();
    for (const number of dispatches.keys()) {
      if (parts[number]! < 2) continue;
      const slices = await buildSlices(gpu, dispatches[number]!, { number, parts: parts[number]!, step: stepBindings[number] });
      if (!slices) continue;
      undo(() => buffers.release(slices.uniforms));
      guessed.set(number, slices);
    }
    return new Program(gpu, { dispatches, commands, uniforms, stepSlots, stepBytes, stepBuffer, stepBindings, guessed });
  }

  /** Number of dispatches of one run. */
  get length(): number {
    return this.#parts.commands.length;
  }

  /** Queues one run; `values` are the fields of the kernels' `step` uniforms. Does not wait. */
  run(values: Values = {}): void {
    this.#gpu.check();
    const { stepSlots, stepBuffer, stepBytes } = this.#parts;
    for (const slot of stepSlots) packUniform(slot.fields, values, slot.view, slot.name);
    if (stepBuffer) this.#gpu.device.queue.writeBuffer(stepBuffer, 0, stepBytes);
    this.#pieces.submit(({ start, end }) => {
      const encoder = this.#gpu.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      encodeInto(pass, this.#commands, start, end);
      pass.end();
      return encoder.finish();
    });
  }

  /** The submits of the next run, as ranges of dispatches and their slices. */
  get pieces(): readonly Piece[] {
    return this.#pieces.current;
  }

  /**
   * Puts the dispatches from `start` to before `end` into a pass; all of them by default. They see the `step` uniforms
   * of the last run. For whoever wants to time a part: `run` does the same with the whole.
   */
  encode(pass: GPUComputePassEncoder, { start = 0, end = this.length } = {}): void {
    encodeInto(pass, this.#parts.commands, start, end);
  }

  /** The dispatches, those that have slices in them. */
  #withSlices(): readonly Command[] {
    return this.#parts.commands.flatMap((command, number) => this.#slices.get(number)?.commands ?? [command]);
  }

  #piecesOf(commands: readonly Command[]): Pieces {
    return new Pieces(this.#gpu, commands.length, {
      // A lost device makes no slices, and who runs this hears of it; nor does one without memory. The dispatches stay as they are.
      onTooLong: (long) => void this.#slice(partsOf(commands, long)).catch(() => undefined),
      onShort: () => this.#join(),
    });
  }

  /** Takes the slices back, all of them together being short. */
  #join(): void {
    if (this.#isGone || this.#slices.size === 0) return;
    for (const slices of this.#slices.values()) if (slices) this.#pool.release(slices.uniforms);
    this.#slices.clear();
    this.#commands = this.#parts.commands;
    this.#pieces.joined(this.#commands.length);
  }

  /** Replaces dispatches by slices, or by more of them, where that is possible. */
  async #slice(wanted: ReadonlyMap<number, number>): Promise<void> {
    const { dispatches, stepBindings } = this.#parts;
    let changed = false;
    for (const [number, parts] of wanted) {
      const before = this.#slices.get(number);
      // One attempt each, unless there are slices that are still too long and can be cut once more.
      const most = dispatches[number]!.workgroups;
      if (this.#isGone || (this.#slices.has(number) && !(before && before.commands.length < Math.min(parts, most)))) continue;
      if (!before) this.#slices.set(number, undefined);
      const slices = await buildSlices(this.#gpu, dispatches[number]!, { number, parts, step: stepBindings[number] });
      if (this.#isGone) return slices && this.#pool.release(slices.uniforms);
      if (!slices || slices.commands.length <= (before?.commands.length ?? 1)) { // it cannot be cut any finer
        if (slices) this.#pool.release(slices.uniforms);
        continue;
      }
      if (before) this.#pool.release(before.uniforms);
      this.#slices.set(number, slices);
      changed = true;
    }
    if (!changed) return;
    this.#commands = this.#withSlices();
    this.#pieces = this.#piecesOf(this.#commands);
  }

  /** Whether there is nothing to run any more: on a new device its buffers are none. */
  get #isGone(): boolean {
    return this.#destroyed || this.#gpu.buffers !== this.#pool;
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Gives the uniforms' memory back to the pool. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    const { uniforms, stepBuffer } = this.#parts;
    const slices = [...this.#slices.values()].map((each) => each?.uniforms);
    for (const buffer of [uniforms, stepBuffer, ...slices]) if (buffer) this.#pool.release(buffer);
  }
}

/** For dispatches of which some part was too long, how many parts each should have. */
function partsOf(commands: readonly Command[], long: readonly TooLong[]): Map<number, number> {
  const wanted = new Map<number, number>();
  for (const { at, parts } of long) {
    const number = commands[at]!.dispatch;
    const now = commands.reduce((count, { dispatch }) => count + Number(dispatch === number), 0);
    wanted.set(number, Math.max(wanted.get(number) ?? 0, now * parts));
  }
  return wanted;
}

function encodeInto(pass: GPUComputePassEncoder, commands: readonly Command[], start: number, end: number): void {
  let current: GPUComputePipeline | undefined;
  for (let i = start; i < end; i++) {
    const command = commands[i]!;
    if (command.pipeline !== current) {
      current = command.pipeline;
      pass.setPipeline(current);
    }
    pass.setBindGroup(0, command.group);
    pass.dispatchWorkgroups(command.x, command.y);
  }
}

function checkBindings(gpu: Gpu, dispatch: Dispatch, kernel: Kernel): void {
  const limit = gpu.device.limits.maxStorageBufferBindingSize;
  for (const [name, range] of Object.entries(dispatch.bindings)) {
    const binding = kernel.bindings.get(name);
    if (!binding) throw new Error(`${kernel.name}: the shader has no variable '${name}'`);
    const writes = dispatch.writes.includes(name);
    if (writes !== (binding.access === 'read_write')) {
      throw new Error(`${kernel.name}: '${name}' is ${writes ? 'written' : 'read'} by the operation, but declared ${binding.access}`);
    }
    if (range.size > limit) {
      throw new UserError(
        `${kernel.name}: '${name}' has ${formatBytes(range.size)}, but this adapter binds at most ${formatBytes(limit)} at once`,
      );
    }
  }
  for (const name of dispatch.writes) {
    if (!(name in dispatch.bindings)) throw new Error(`${kernel.name}: '${name}' is to be written, but nothing is bound to it`);
  }
}
