/**
 * Processes that work on one thing together, each with a number, its rank. What carries bytes between them is somebody else's
 * business: MPI in Node (`platform/mpi.node.ts`); a process that is alone needs nothing.
 *
 * Every rank must make the same calls in the same order. They may be started before the one before has come to its end. What is given
 * must not change until the call resolves.
 */
import { UserError } from './errors.ts';

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

/** A text of every rank, in their order. */
export async function gatherTexts(ranks: Ranks, text: string): Promise<string[]> {
  const mine = new TextEncoder().encode(text);
  const lengths = new Uint32Array((await ranks.allgather(new Uint8Array(Uint32Array.of(mine.length).buffer))).slice().buffer);
  const padded = new Uint8Array(Math.max(...lengths));
  padded.set(mine);
  const all = await ranks.allgather(padded);
  return [...lengths].map((length, rank) => new TextDecoder().decode(all.subarray(rank * padded.length, rank * padded.length + length)));
}

/** The text of rank 0. */
export async function textOfFirst(ranks: Ranks, text: string): Promise<string> {
  return (await gatherTexts(ranks, ranks.rank === 0 ? text : ''))[0]!;
}

/**
 * Compares what every rank says of itself, by name. Throws a `UserError` on all of them, and the same one, if a rank says something
 * else than rank 0.
 */
export async function expectSame(ranks: Ranks, facts: Readonly<Record<string, string>>): Promise<void> {
  const [first, ...others] = (await gatherTexts(ranks, JSON.stringify(facts))).map((text) => JSON.parse(text) as typeof facts);
  const named = (fact: string, value: string): string => (value.length < 60 && !/^[0-9a-f]{32,}$/.test(value) ? `${fact} (${value})` : fact);
  others.forEach((other, i) => {
    const names = Object.keys({ ...first, ...other }).filter((name) => first![name] !== other[name]);
    if (names.length === 0) return;
    const what = names.map((name) => `${named(name, other[name] ?? 'none')}`).join(', ');
    throw new UserError(`rank ${i + 1} has another ${what} than rank 0: all ranks must have the same`);
  });
}

/** What rank 0 does before the others do it: they find what it has made, such as a prepared data set. */
export async function firstThenOthers<T>(ranks: Ranks, body: () => Promise<T>): Promise<T> {
  if (ranks.rank > 0) await ranks.barrier();
  const result = await body();
  if (ranks.rank === 0) await ranks.barrier();
  return result;
}
