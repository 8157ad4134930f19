/**
 * Processes that work on one thing together, each with a number, its rank. What carries bytes between them is somebody else's
 * business: MPI in Node (`platform/mpi.node.ts`); a process that is alone needs nothing.
 *
 * Every rank must make the same calls in the same order. They may be started before the one before has come to its end.
 */
export interface Ranks {
  /** Counted from 0. */
  readonly rank: number;
  readonly size: number;
  /** The bytes of all ranks, one after the other; all have the same number of them. */
  allgather(mine: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** Block r of `outgoing`, which is cut into `size` equal ones, goes to rank r. Returns those that came, in the order of the ranks. */
  alltoall(outgoing: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes of rank 0, in place of one's own of the same number. */
  broadcast(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** Resolves when every rank has come here. */
  barrier(): Promise<void>;
}

/** A process that is alone: the default of everything that takes `Ranks`. */
export const alone: Ranks = {
  rank: 0,
  size: 1,
  allgather: async (mine) => mine,
  alltoall: async (outgoing) => outgoing,
  broadcast: async (bytes) => bytes,
  barrier: async () => {},
};

/** The numbers from 0 below `count` that are this rank's: every `size`-th, so that shares differ by one at most. */
export function shareOf(count: number, { rank, size }: Pick<Ranks, 'rank' | 'size'>): number[] {
  return Array.from({ length: count }, (_, i) => i).filter((i) => i % size === rank);
}
