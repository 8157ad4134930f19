/** A command that several ranks run together: who speaks for all, and what happens when one of them ends. */
import { createHash } from 'node:crypto';
import { launchOf } from '../../../src/platform/launch.ts';
import { Mpi } from '../../../src/platform/mpi.node.ts';
import { Peers } from '../../../src/platform/peers.node.ts';
import { UserError } from '../../../src/errors.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { Ranks } from '../../../src/ranks.ts';
import { alone } from '../../../src/ranks.ts';
import { adapterByNumber } from '../adapter/adapters.ts';
import { ensureAdapter } from '../adapter/gpu.ts';
import { spelled } from './spelling.ts';

/** The ranks that run a command. */
export interface Company {
  readonly ranks: Ranks;
  /** Whether this one speaks and writes for all. */
  readonly isFirst: boolean;
  /** Ranks on this machine. */
  readonly near: number;
  /** Prints a line, once for all. */
  print(line: string): void;
  /** The end of what they do together; nothing may be exchanged after it. */
  part(): void;
}

/** Milliseconds between two looks at whether all ranks of this machine are there. */
const watchEvery = 500;

/** What a rank that has lost another gets to come to an orderly end, ms. */
const mostForTheEnd = 4000;

/** How long the first rank has to say what was wrong before another one says it, ms. */
const patience = 3000;

const single: Company = { ranks: alone, isFirst: true, near: 1, print: (line) => console.log(line), part() {} };

/** A rank has died. */
class PeerLost extends UserError {}

let peers: Peers | undefined;
let ended = false;

/** Whether this process is the only one of its command, or the first of several: by the environment alone. */
export function isFirstRank(): boolean {
  return (launchOf(process.env)?.rank ?? 0) === 0;
}

/**
 * Joins the other ranks, if a launcher started several. The adapter comes first, as this process may be started again for it. From
 * then on a rank of this machine that dies ends the others. Throws a `UserError` with what to install if that is missing.
 */
export async function openRanks({ matrices, adapter }: { readonly matrices: boolean; readonly adapter?: number }): Promise<Company> {
  const launch = launchOf(process.env);
  if (!launch) return single;
  await ensureAdapter({ matrices, adapter: await adapterByNumber(adapter) });
  const mpi = await Mpi.open(launch);
  if (mpi.size === 1) return { ...single, part: () => mpi.finalize() };
  peers = await Peers.meet(mpi);
  const { near } = peers;
  const watch = setInterval(() => lookAround(mpi), watchEvery);
  watch.unref();
  return {
    ranks: mpi,
    isFirst: mpi.rank === 0,
    near,
    print: (line) => void (mpi.rank === 0 && console.log(line)),
    part: () => {
      clearInterval(watch);
      ended = true;
      mpi.finalize();
    },
  };
}

/** '; 2 on this machine share llvmpipe', where that is certain: two GPUs of one name cannot be told apart. */
export function sharingText({ near }: Company, gpu: Pick<Gpu, 'name' | 'isSoftware'>): string {
  if (near === 1) return '';
  return gpu.isSoftware ? `; ${near} on this machine share ${gpu.name}` : `; ${near} on this machine each have ${gpu.name}, or share it`;
}

function lookAround(mpi: Mpi): void {
  const dead = ended ? undefined : peers!.dead();
  if (dead === undefined) return;
  ended = true;
  const loss = new PeerLost(`rank ${dead} (${peers!.describe(dead)}) has ended, and the others end with it; a training goes on from its last checkpoint with \`resume\``);
  mpi.fail(loss);
  // Whoever computes for a long time does not notice, and whoever waits for something else than another rank.
  setTimeout(() => {
    if (peers!.isFirstAlive()) process.stderr.write(`${spelled(loss.message)}\n`);
    process.exit(1);
  }, mostForTheEnd).unref();
}

/** How a rank that shall say what went wrong calls itself, and what it does when it has said it. */
export interface Speaker {
  readonly prefix: string;
  said?(): Promise<void>;
}

/** What was typed, as a hash for `expectSame`; each rank may have an adapter of its own. */
export function hashOfFlags(flags: object): string {
  return createHash('sha256').update(JSON.stringify({ ...flags, adapter: undefined })).digest('hex');
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Whether this rank shall say what went wrong with it. What all of them would say, such as a flag that is
 * wrong, is said by the first one: another one waits for whether that ends as well, which ends this one, too.
 */
export async function mayReport(error: unknown): Promise<Speaker | undefined> {
  const launch = launchOf(process.env);
  if (!launch) return { prefix: '' };
  if (error instanceof PeerLost) {
    // It stays until the others have seen which rank has died, and not this one.
    return peers!.isFirstAlive() ? { prefix: '', said: () => sleep(1.5 * watchEvery) } : undefined;
  }
  ended = true;
  if (launch.rank === 0) return { prefix: '' };
  let told = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (told = true)); // the launcher ends all
  for (const end = performance.now() + patience; performance.now() < end && !told;) {
    await sleep(50);
    if (peers?.dead() === 0) return undefined;
  }
  return told ? undefined : { prefix: `rank ${launch.rank}: ` };
}
