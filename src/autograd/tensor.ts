/** A tensor of the tape: a shape, a name, and a claim on memory that the planner fills in later. */
import type { BufferRange } from '../gpu/device/buffers.ts';

export type DType = 'f32' | 'u32' | 'f16';

/** Bytes of one element. */
export const bytesPerElement = { f32: 4, u32: 4, f16: 2 } as const satisfies Record<DType, number>;

/**
 * The memory behind one or more tensors. `planned` memory lives from its first to its last dispatch and shares
 * buffers with others; `pinned` lives as long as the program; `fixed` belongs to somebody else.
 */
export interface Storage {
  kind: 'planned' | 'pinned' | 'fixed';
  /** Bytes. */
  readonly size: number;
  readonly name: string;
  /** For `fixed` storage: where it is. */
  readonly range?: BufferRange;
  /** For constants: what it holds. */
  readonly content?: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** Counts in-place updates, so that a reader of an older value is found out. */
  version: number;
}

export class Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly storage: Storage;
  /** Whether somebody may ask for the gradient in this tensor. */
  readonly needsGradient: boolean;
  /** Bytes from the storage's start to this tensor's. */
  readonly offset: number;
  /** Version of the storage that holds this tensor's value. */
  readonly version: number;

  constructor(options: {
    name: string; shape: readonly number[]; dtype?: DType; storage: Storage; needsGradient?: boolean; offset?: number;
  }) {
    this.name = options.name;
    this.shape = options.shape;
    this.dtype = options.dtype ?? 'f32';
    this.storage = options.storage;
    this.needsGradient = options.needsGradient ?? false;
    this.offset = options.offset ?? 0;
    this.version = options.storage.version;
  }

  /** Number of elements. */
  get length(): number {
    return elementsOf(this.shape);
  }

  /** Bytes of all elements. */
  get bytes(): number {
    return this.length * bytesPerElement[this.dtype];
  }

  /** 'skip (4, 2048, 64)'. */
  toString(): string {
    return `${this.name} (${this.shape.join(', ')})`;
  }
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Throws unless `tensor` has this shape; `what` names the operation and its operand. */
export function expectShape(tensor: Tensor, shape: readonly number[], what: string): void {
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
    throw new TypeError(`${what}: wanted (${shape.join(', ')}), got ${tensor}`);
  }
}

/** The three sizes of a (B, L, C) tensor, or an error that names the operation. */
export function activationShape(tensor: Tensor, what: string): { B: number; L: number; C: number } {
  if (tensor.shape.length !== 3) throw new TypeError(`${what}: wanted (B, L, C), got ${tensor}`);
  const [B, L, C] = tensor.shape as [number, number, number];
  return { B, L, C };
}
