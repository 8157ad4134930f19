/** What a program is made from: one kernel on one set of buffers. */
import type { BufferRange } from '../device/buffers.ts';
import type { KernelSpec } from '../wgsl/kernels.ts';

/** Numbers by the names of a uniform's fields. */
export type Values = Readonly<Record<string, number>>;

export interface Dispatch {
  readonly kernel: KernelSpec;
  /** Ranges by the name of the WGSL variable; storage variables and uniform arrays alike. */
  readonly bindings: Readonly<Record<string, BufferRange>>;
  /** Names among `bindings` that the kernel writes. */
  readonly writes: readonly string[];
  /** Fields of the kernel's uniform `params`, if it reads that. */
  readonly params?: Values;
  /** Whether the kernel reads the uniform `step`. */
  readonly step?: boolean;
  /** Number of workgroups. Past the adapter's limit per dimension they are folded into two dimensions. */
  readonly workgroups: number;
  /**
   * How long it will take, where that may be long: floating-point operations of a kernel that uses what it loads many times,
   * eight times as many of one that loads as often as it multiplies. Nothing else is known before anything is timed.
   */
  readonly work?: number;
}
