/** What is measured: an operation in one direction, as a function of the shape. Its truth is that of `src/verify`. */
import type { KernelCase } from '../verify/case.ts';

export interface Shape {
  readonly B: number;
  readonly L: number;
  readonly C: number;
  readonly K: number;
  readonly D: number;
}

export interface KernelBench {
  /** Operation and direction: `conv1d d weight`. */
  readonly name: string;
  /** What the figures are for: `16384×64→128 K=3 D=8`. */
  sizes(shape: Shape): string;
  make(shape: Shape): KernelCase;
  /** Inputs whose gradients are measured; none: the forward pass. */
  readonly gradients?: readonly string[];
  /** Floating-point operations, a multiply-add being two; 0 where only memory matters. */
  flops(shape: Shape): number;
  /** Numbers that have to be read or written at least. */
  numbers(shape: Shape): number;
}

/** The layer of `gtzan` that takes the longest. */
export const usualShape: Shape = { B: 1, L: 16384, C: 64, K: 3, D: 8 };

/** The same layer, small enough for the reference, and with lengths that no tile divides. */
export function checkedShape(shape: Shape): Shape {
  return { ...shape, B: 2, L: 37 };
}
