/** What a program is made of once it is built: pipelines with their bindings and grids. */
import { bindingAlignment } from '../device/buffers.ts';
import type { BufferPool, BufferRange } from '../device/buffers.ts';
import type { Kernel } from '../wgsl/kernels.ts';

export interface Command {
  /** Number of the dispatch that this is, or is a slice of. */
  readonly dispatch: number;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
}

/** Bindings of a dispatch by name, and its uniforms if it has them. */
export function bindGroupOf(device: GPUDevice, kernel: Kernel, { bindings, params, step }: {
  bindings: Readonly<Record<string, BufferRange>>; params?: GPUBufferBinding; step?: GPUBufferBinding;
}): GPUBindGroup {
  const resources = Object.entries({ ...bindings, ...(params && { params }), ...(step && { step }) });
  const entries = resources.map(([name, resource]) => ({ binding: kernel.bindings.get(name)!.index, resource }));
  return device.createBindGroup({ label: kernel.name, layout: kernel.pipeline.getBindGroupLayout(0), entries });
}

/** A buffer for so many uniforms, each in a slot of its own; none for none. */
export function uniformSlots(
  buffers: BufferPool, slots: number, label: string, options?: { readonly optional: boolean },
): GPUBuffer | undefined {
  return slots === 0 ? undefined : buffers.acquire(slots * bindingAlignment, label, options);
}
