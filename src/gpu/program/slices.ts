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
import type { KernelSpec } from '../wgsl/kernels.ts';
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

/**
 * Floating-point operations a second that are expected of an adapter before anything is timed: an old integrated GPU (24 units at
 * 1 GHz, 400 GFLOP/s on paper) reaches this with kernels that were made for others.
 */
const assumedRate = 50e9;

/** Share of `longestSubmit` that a dispatch of guessed length may last. */
const shareOfGuess = 0.5;

/** Workgroups of a dispatch that may be long although its operation says nothing about it. */
const manyWorkgroups = 1024;

/** Past so many parts, the guess is what is wrong. */
const mostGuessedParts = 256;

/**
 * Number of parts that a dispatch is run in before anything of it is timed. `caution` is by how much everything may take longer
 * than expected: more than 1 where the GPU was lost by a program that had not been timed.
 */
export function guessedParts(
  { work, workgroups }: Pick<Dispatch, 'work' | 'workgroups'>, { longestSubmit, caution }: Pick<Gpu, 'longestSubmit' | 'caution'>,
): number {
  const parts = work === undefined
    ? (workgroups >= manyWorkgroups ? caution : 1)
    : Math.ceil((caution * (work / assumedRate) * 1000) / (longestSubmit * shareOfGuess));
  return Math.min(Math.max(1, parts), mostGuessedParts);
}

/** The kernel that a dispatch of `parts` parts runs: whole grids and slices alike, so that there is one to compile. */
export async function kernelFor(gpu: Gpu, dispatch: Dispatch, parts: number): Promise<KernelSpec> {
  const { kernel, params, workgroups } = dispatch;
  const sliced = parts > 1 && workgroups > 1 && params !== undefined && (await gpu.kernels.canBeSliced(kernel));
  return sliced ? { ...kernel, sliced } : kernel;
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
  const spec = await kernelFor(gpu, dispatch, slices.length);
  if (!spec.sliced) return undefined;
  const kernel = await kernels.get(spec, { atOnce: true });
  const fields = kernel.fields('params');
  const size = alignUp(fields.length * 4, 16);
  const bytes = new Uint8Array(slices.length * bindingAlignment);
  const uniforms = uniformSlots(buffers, slices.length, `params of ${kernel.name}`, { optional: true })!;
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
