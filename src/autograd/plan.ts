/**
 * The planner: knows from the finished tape when every tensor is first written and last read, and lets tensors whose
 * lives do not overlap share a buffer. It predicts their bytes before one of them is allocated.
 */
import { UserError } from '../errors.ts';
import { alignUp, bindingAlignment, formatBytes } from '../gpu/device/buffers.ts';
import { kernelName } from '../gpu/wgsl/kernels.ts';
import type { Operation } from './operation.ts';
import type { Tape } from './tape.ts';
import type { Storage } from './tensor.ts';

export interface PlanOptions {
  /**
   * For tests: every tensor has a buffer to itself, with this many bytes behind it that are bound along with it and
   * must survive, so that a kernel that writes past its output is found out.
   */
  readonly guardBytes?: number;
}

export interface Plan {
  readonly operations: readonly Operation[];
  /** Bytes of each buffer to allocate. */
  readonly buffers: readonly number[];
  /** Which buffer each storage has; `fixed` storages are not listed. */
  readonly place: ReadonlyMap<Storage, number>;
  readonly guardBytes: number;
  /** Bytes to allocate, the program's uniforms included, parameters and other external buffers not. */
  readonly bytes: number;
  /** Bytes there would be if no buffer were shared. */
  readonly unsharedBytes: number;
}

interface Life {
  readonly storage: Storage;
  first: number;
  last: number;
}

export function planTape(tape: Tape, options: PlanOptions = {}): Plan {
  const guardBytes = options.guardBytes ?? 0;
  const lives = livesOf(tape);
  const buffers: { size: number; readonly lives: Life[] }[] = [];
  const place = new Map<Storage, number>();
  const sizeOf = (storage: Storage): number => alignUp(storage.size + guardBytes, bindingAlignment);

  const isShared = ({ storage: { kind } }: Life): boolean => kind === 'planned' && guardBytes === 0;

  // What shares buffers the largest first, so that no small tensor takes a large one's while another is free: in the order of time
  // that happens as it comes, and a plan with one operation less may need more memory.
  const rank = (life: Life): number => (isShared(life) ? sizeOf(life.storage) : Infinity);
  for (const life of lives.toSorted((one, other) => rank(other) - rank(one) || one.first - other.first)) {
    const shared = isShared(life);
    let index = shared ? buffers.findLastIndex((buffer) => buffer.lives.every((other) => areApart(life, other))) : -1;
    if (index < 0) index = buffers.push({ size: sizeOf(life.storage), lives: [] }) - 1;
    buffers[index]!.lives.push(shared ? life : { ...life, first: -Infinity, last: Infinity });
    place.set(life.storage, index);
  }
  return {
    operations: tape.operations,
    buffers: buffers.map(({ size }) => size),
    place,
    guardBytes,
    bytes: buffers.reduce((sum, { size }) => sum + size, uniformBytes(tape.operations)),
    unsharedBytes: lives.reduce((sum, life) => sum + sizeOf(life.storage), uniformBytes(tape.operations)),
  };
}

/** Every `params` and every `step` uniform has a place of its own in the program. */
function uniformBytes(operations: readonly Operation[]): number {
  const places = operations.reduce((sum, { params, step }) => sum + (params ? 1 : 0) + (step ? 1 : 0), 0);
  return places * bindingAlignment;
}

/** A buffer becomes free after the last dispatch that uses it, never within that dispatch. */
function areApart(one: Life, other: Life): boolean {
  return one.last < other.first || other.last < one.first;
}

function livesOf(tape: Tape): Life[] {
  const lives = new Map<Storage, Life>();
  tape.operations.forEach((operation, position) => {
    for (const tensor of [...Object.values(operation.reads), ...Object.values(operation.writes)]) {
      const life = lives.get(tensor.storage);
      if (life) life.last = position;
      else lives.set(tensor.storage, { storage: tensor.storage, first: position, last: position });
    }
  });
  for (const storage of tape.storages) {
    if (storage.kind === 'pinned') lives.set(storage, { storage, first: 0, last: tape.operations.length });
  }
  return [...lives.values()].filter((life) => life.storage.kind !== 'fixed').sort((a, b) => a.first - b.first);
}

/**
 * Bytes that the operations before `position` leave for those from there on; what lives as long as the program and
 * buffers of others are not counted.
 */
export function heldAt({ operations }: Pick<Plan, 'operations'>, position: number): number {
  const before = new Set<Storage>();
  const held = new Set<Storage>();
  operations.forEach(({ reads, writes }, at) => {
    for (const { storage } of [...Object.values(reads), ...Object.values(writes)]) {
      if (at < position) before.add(storage);
      else if (before.has(storage) && storage.kind === 'planned') held.add(storage);
    }
  });
  return [...held].reduce((sum, { size }) => sum + size, 0);
}

/** Throws a `UserError` with the numbers if a tensor is larger than the adapter can bind. `remedy` is what to do. */
export function checkPlan(plan: Plan, limits: { readonly maxStorageBufferBindingSize: number }, remedy: string): void {
  const limit = limits.maxStorageBufferBindingSize;
  let largest: Storage | undefined;
  for (const storage of plan.place.keys()) if (storage.size > (largest?.size ?? 0)) largest = storage;
  if (largest && largest.size + plan.guardBytes > limit) {
    throw new UserError(
      `the tensor '${largest.name}' needs ${formatBytes(largest.size)}, but this adapter binds at most ${formatBytes(limit)} at once: ${remedy}`,
    );
  }
}

/** A listing of exactly what the GPU will do, a line for each dispatch. */
export function listPlan(plan: Plan): string {
  const describe = (tensor: { storage: Storage; toString(): string }): string => {
    const buffer = plan.place.get(tensor.storage);
    return `${tensor}${buffer === undefined ? '' : ` @${buffer}`}`;
  };
  return plan.operations
    .map((operation, position) => {
      const writes = Object.values(operation.writes).map(describe).join(', ');
      const reads = Object.values(operation.reads).map(describe).join(', ');
      return `${String(position).padStart(4)}  ${kernelName(operation.kernel)}: ${writes} ← ${reads}`;
    })
    .join('\n');
}
