/**
 * A dispatch in slices, for one that takes too long by itself (see `pieces.ts`). WebGPU starts grids from their beginning
 * only, but every kernel of this project counts its workgroups through a grid of two dimensions by one and the same
 * expression. A sliced kernel has a number of rows added in there, out of its uniform `params`: each slice starts some rows
 * of the grid. Every workgroup does what it does in the whole grid, and so the result is the same to the bit.
 */
import { building } from '../../building.ts';
import { alignUp, bindingAlignment } from '../device/buffers.ts';
import type { Command } from './commands.ts';
import { bindGroupOf, uniformSlots } from './commands.ts';
import type { Gpu } from '../device/gpu.ts';
import type { Dispatch } from './dispatch.ts';
import { packUniform } from '../wgsl/wgsl.ts';

/** A part of a grid: `y` rows of `x` workgroups. */
export interface Slice {
  readonly firstRow: number;
  readonly x: number;
  readonly y: number;
}

/** What takes the place of a dispatch, and the buffer of its uniforms. */
export interface Slices {
  readonly commands: Command[];
  readonly uniforms: GPUBuffer;
}

/** At most `parts` slices, as equal as can be, of a grid whose dimensions are within `limit`. */
export function slicesOf(workgroups: number, parts: number, limit: number): Slice[] {
  const wanted = Math.min(parts, workgroups);
  const y = Math.ceil(workgroups / wanted / limit);
  const x = Math.ceil(workgroups / (wanted * y));
  const count = Math.ceil(workgroups / (x * y));
  return Array.from({ length: count }, (_, i) => ({ firstRow: i * y, x, y }));
}

/**
 * Dispatch number `number` in slices; undefined if its kernel cannot be sliced. `step` is
 * where its `step` uniform is.
 */
export function buildSlices(gpu: Gpu, dispatch: Dispatch, place: {
  number: number; step: GPUBufferBinding | undefined; parts: number;
}): Promise<Slices | undefined> {
  return building((undo) => build(gpu, dispatch, { ...place, undo }));
}

async function build(gpu: Gpu, dispatch: Dispatch, { number, step, parts, undo }: {
  number: number; step: GPUBufferBinding | undefined; parts: number; undo: (how: () => void) => void;
}): Promise<Slices | undefined> {
  const { device, kernels, buffers } = gpu; // the Gpu may have another device before this is done
  const slices = slicesOf(dispatch.workgroups, parts, device.limits.maxComputeWorkgroupsPerDimension);
  if (slices.length < 2 || !dispatch.params || !(await kernels.canBeSliced(dispatch.kernel))) return undefined;
  const kernel = await kernels.get({ ...dispatch.kernel, sliced: true });
  const fields = kernel.fields('params');
  const size = alignUp(fields.length * 4, 16);
  const bytes = new Uint8Array(slices.length * bindingAlignment);
  const uniforms = uniformSlots(buffers, slices.length, `params of ${kernel.name}`)!;
  undo(() => buffers.release(uniforms));
  await buffers.expect([uniforms]);
  const commands = slices.map(({ firstRow, x, y }, i) => {
    const offset = i * bindingAlignment;
    packUniform(fields, { ...dispatch.params, firstRow }, new DataView(bytes.buffer, offset, size), kernel.name);
    const params = { buffer: uniforms, offset, size };
    const group = bindGroupOf(device, kernel, { bindings: dispatch.bindings, params, step });
    return { dispatch: number, pipeline: kernel.pipeline, group, x, y };
  });
  device.queue.writeBuffer(uniforms, 0, bytes);
  return { commands, uniforms };
}
