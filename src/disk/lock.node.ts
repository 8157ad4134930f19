/**
 * A folder that one process writes into at a time. Its holder is named in a file, with what tells whether it still lives, and renews
 * that file every few seconds. So a lock that a crash, a kill or a loss of power left behind blocks nobody:
 *
 *   - On the same machine the system knows: the process is gone, or another one has its number (it began at another time).
 *   - Where it cannot be asked (another host of a network file system, another container, a machine that was started again), the file
 *     is watched for a while: who lives renews it. Only its content counts, as clocks and times of network file systems differ.
 *
 * Whoever takes over a lock writes its own name into it. A holder that was only asleep finds out when it looks, before whatever it
 * writes, and gives up.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { makeFolder, temporaryName, withPath, writeAll } from './files.node.ts';
import { readRegularFile } from './regularFile.node.ts';

/** Of the file. */
export const lockName = 'lock.json';

/** Who holds a lock. */
interface Holder {
  readonly token: string; // unlike every other one
  readonly host: string;
  readonly pid: number;
  /** What the process is told by beside its number, on Linux: see `identity`. */
  readonly boot?: string;
  readonly space?: string;
  readonly began?: string;
  /** Goes up as long as it lives. */
  readonly beats: number;
}

/** Milliseconds. */
export interface LockTimes {
  readonly renewEvery: number;
  readonly watchFor: number;
}

/** A busy process may be late: it is watched for several times as long. */
const usualTimes: LockTimes = { renewEvery: 5000, watchFor: 30_000 };

export interface LockOptions {
  /** What the folder is, for messages: 'the run'. */
  readonly what: string;
  /** Called with a line where it takes a while to find out. */
  readonly log?: (line: string) => void;
  /** Wait until the other one is done, instead of refusing. */
  readonly wait?: boolean;
  readonly times?: LockTimes;
}

export class FolderLock {
  readonly #path: string;
  readonly #what: string;
  #holder: Holder;
  readonly #timer: NodeJS.Timeout;
  readonly #atExit = (): void => this.release();
  #released = false;

  private constructor(path: string, { holder, what, times }: { holder: Holder; what: string; times: LockTimes }) {
    this.#path = path;
    this.#what = what;
    this.#holder = holder;
    this.#timer = setInterval(() => this.#renew(), times.renewEvery).unref();
    process.once('exit', this.#atExit);
  }

  /**
   * Takes the lock of a folder, which is made if need be.
   *
   * @throws UserError that names the process and the host of whoever has it
   */
  static async take(folder: string, options: LockOptions): Promise<FolderLock> {
    const { what, wait = false, log = () => {}, times = usualTimes } = options;
    makeFolder(folder);
    const path = join(folder, lockName);
    const holder: Holder = { ...identity(), token: randomBytes(12).toString('hex'), beats: 0 };
    for (let [said, tries] = [false, 0]; ; ) {
      if (create(path, holder)) return new FolderLock(path, { holder, what, times });
      const other = await readSettled(path);
      if (other === undefined) { // it was given back just now, if it is no link that leads nowhere
        if (++tries > 20) throw new UserError(`${path} can neither be made nor read: delete it`);
        await sleep(20);
        continue;
      }
      if (!(await lives(other, path, { log, times }))) {
        if (await takeOver(path, { from: other, holder })) return new FolderLock(path, { holder, what, times });
        continue;
      }
      const who = `process ${other.pid} on ${other.host}`;
      if (!wait) throw new UserError(`${folder} is in use: ${who} is writing into ${what}; wait for it to end, or choose another folder`);
      if (!said) log(`waiting for ${who}, which is writing ${what} ${folder}`);
      said = true;
      await sleep(Math.min(1000, times.renewEvery));
    }
  }

  /** Throws a `UserError` if another process has taken the lock over meanwhile: then nothing may be written any more. */
  expectHeld(): void {
    if (this.#released) throw new Error('the lock was released');
    const now = read(this.#path);
    // One that cannot be read at the moment, or was deleted by hand, is nobody else's.
    if (now === undefined || now === 'unreadable' || now.token === this.#holder.token) return;
    throw new UserError(
      `process ${now.pid} on ${now.host} has taken over ${this.#what}, as this one was not heard of for a while: ` +
      'it stops here, and what it has saved is there',
    );
  }

  /** Gives the folder free. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#timer);
    process.off('exit', this.#atExit);
    const now = read(this.#path);
    if (typeof now === 'object' && now.token === this.#holder.token) rmSync(this.#path, { force: true });
  }

  #renew(): void {
    const now = read(this.#path);
    if (typeof now === 'object' && now.token !== this.#holder.token) return; // `expectHeld` says so
    this.#holder = { ...this.#holder, beats: this.#holder.beats + 1 };
    try {
      replace(this.#path, this.#holder);
    } catch {
      // A disk that is full, or a network that is gone for the moment: the next beat may come through.
    }
  }
}

/** Writes a lock where there is none. A link is made at once, with its content; where there are no links, an exclusive file. */
function create(path: string, holder: Holder): boolean {
  const temporary = temporaryName(path);
  try {
    writeNew(temporary, holder);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (syscall !== 'link') throw withPath(error, path);
    return createExclusive(path, holder);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function createExclusive(path: string, holder: Holder): boolean {
  try {
    writeNew(path, holder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw withPath(error, path);
  }
}

/** Writes a file that must not be there yet. */
function writeNew(path: string, holder: Holder): void {
  const file = openSync(path, 'wx');
  try {
    writeAll(file, `${JSON.stringify(holder)}\n`);
  } finally {
    closeSync(file);
  }
}

function replace(path: string, holder: Holder): void {
  const temporary = temporaryName(path);
  try {
    writeNew(temporary, holder);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Of two that take over at once the later one has it; both look again after a moment. */
async function takeOver(path: string, { from, holder }: { from: Holder; holder: Holder }): Promise<boolean> {
  const now = read(path);
  if (now === undefined || (now !== 'unreadable' && now.token !== from.token)) return false;
  replace(path, holder);
  await sleep(100);
  const settled = read(path);
  return typeof settled === 'object' && settled.token === holder.token;
}

/** Whether a holder lives. */
async function lives(other: Holder, path: string, { log, times }: { log: (line: string) => void; times: LockTimes }): Promise<boolean> {
  const known = isRunning(other);
  if (known !== undefined) return known;
  log(`${path} is of process ${other.pid} on ${other.host}: looking for up to ${times.watchFor / 1000} s whether that still runs`);
  for (const end = performance.now() + times.watchFor; performance.now() < end; ) {
    await sleep(Math.min(500, times.renewEvery));
    const now = read(path);
    if (now === undefined) return false; // it has ended by itself
    if (now !== 'unreadable' && (now.token !== other.token || now.beats !== other.beats)) return true;
  }
  return false;
}

/** Whether the system says that a holder runs; undefined where it cannot be asked, or is not sure. */
function isRunning(other: Holder): boolean | undefined {
  const own = identity();
  // Of another start the machine was started again, or it is another one that has the same name; another space is another container,
  // whose processes are not seen from here.
  const isHere = other.token !== unreadableToken && other.host === own.host && other.boot === own.boot && other.space === own.space;
  if (!isHere) return undefined;
  try {
    process.kill(other.pid, 0); // sends nothing, only asks
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const began = beginning(other.pid);
  return began === undefined || other.began === undefined ? undefined : began === other.began;
}

/** This process, as others may look for it. */
function identity(): Omit<Holder, 'token' | 'beats'> {
  return {
    host: hostname(),
    pid: process.pid,
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    space: attempt(() => readlinkSync('/proc/self/ns/pid')),
    began: beginning(process.pid),
  };
}

/**
 * When a process began, in ticks since the machine was started; 'gone' for one that has ended and was not cleared away; undefined
 * where there is no /proc (proc_pid_stat(5): the state is field 3, the time field 22, behind a name in parentheses).
 */
function beginning(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && (['Z', 'X'].includes(fields[0]!) ? 'gone' : fields[19]);
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

const unreadableToken = 'unreadable';

/** The lock's holder; undefined where there is no lock. */
function read(path: string): Holder | 'unreadable' | undefined {
  try {
    const holder = JSON.parse(new TextDecoder().decode(readRegularFile(path))) as Holder | null;
    return typeof holder?.token === 'string' ? holder : 'unreadable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : 'unreadable';
  }
}

/** The same after a moment, if it is being written just now; what stays unreadable is nobody's, but watched. */
async function readSettled(path: string): Promise<Holder | undefined> {
  for (let tries = 0; tries < 10; tries++) {
    const found = read(path);
    if (found !== 'unreadable') return found;
    await sleep(50);
  }
  return { token: unreadableToken, host: 'an unknown host', pid: 0, beats: 0 };
}
