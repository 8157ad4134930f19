/**
 * Whether the other ranks are still there. Launchers end all when one of them dies, but not every launcher does so, nor always at
 * once: those on this machine are looked after by their process ids.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Ranks } from '../ranks.ts';
import { gatherTexts } from '../ranks.ts';

interface Peer {
  readonly host: string;
  readonly pid: number;
  /** Process ids mean something within one namespace: two containers may have the same name of a machine. */
  readonly namespace: string;
}

export class Peers {
  readonly #peers: readonly Peer[];
  readonly #rank: number;

  private constructor(peers: readonly Peer[], rank: number) {
    this.#peers = peers;
    this.#rank = rank;
  }

  /** Makes all ranks known to each other. */
  static async meet(ranks: Ranks): Promise<Peers> {
    const texts = await gatherTexts(ranks, JSON.stringify({ host: hostname(), pid: process.pid, namespace: pidNamespace() }));
    return new Peers(texts.map((text) => JSON.parse(text) as Peer), ranks.rank);
  }

  /** Name of the machine of a rank, and its process there: 'process 123 on host'. */
  describe(rank: number): string {
    const { host, pid } = this.#peers[rank]!;
    return `process ${pid} on ${host}`;
  }

  /** The first rank of this machine that has died; undefined as long as all are there. */
  dead(): number | undefined {
    return this.#near().find((rank) => !isAlive(this.#peers[rank]!.pid));
  }

  /** Whether this rank is the first of this machine that is there. */
  isFirstAlive(): boolean {
    return this.#near().find((rank) => rank === this.#rank || isAlive(this.#peers[rank]!.pid)) === this.#rank;
  }

  /** How many ranks are on the machine of this one. */
  get near(): number {
    return this.#near().length;
  }

  #near(): number[] {
    const own = this.#peers[this.#rank]!;
    return [...this.#peers.keys()].filter((rank) => {
      const { host, namespace } = this.#peers[rank]!;
      return host === own.host && namespace === own.namespace;
    });
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // not Linux: there are none
  }
}

/** Whether there is a process that has not ended; one whose parent has not been told yet has ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing, only asks
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !'ZX'.includes(stat[stat.lastIndexOf(')') + 2]!);
  } catch {
    return process.platform !== 'linux'; // it ended between the two questions
  }
}
