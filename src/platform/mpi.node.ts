/**
 * MPI, which clusters have: carries bytes between ranks. Its C library is called through koffi, an optional package; both are
 * looked for only where a launcher started this process among others.
 *
 * Open MPI's handles are addresses of its globals, MPICH's are numbers that its ABI fixes (MPICH ABI Compatibility Initiative,
 * which Intel MPI, MVAPICH and Cray MPICH follow).
 *
 * Calls do not block: a blocking one would stop the timers and the GPU's callbacks of this process, and would wait for ever for a
 * rank that has died. They are started in the order in which they are made and asked about until they are done.
 */
import { fstatSync } from 'node:fs';
import { UserError } from '../errors.ts';
import type { Ranks } from '../ranks.ts';
import type { Launch } from './launch.ts';

type Koffi = typeof import('koffi').default;
type Library = ReturnType<Koffi['load']>;
type Bytes = Uint8Array<ArrayBuffer>;

/** Names under which the libraries are found, the most certain first. */
const libraryNames = {
  'Open MPI': ['libmpi.so.40', 'libmpi.so', 'libmpi.dylib'],
  MPICH: ['libmpich.so.12', 'libmpi.so.12', 'libmpi.so', 'libmpi.dylib'],
} as const;

const howToInstall = 'install one (Debian and Ubuntu: openmpi-bin or mpich), or name its file in the environment variable DIFFWAVE_MPI';

/** MPICH's MPI_COMM_WORLD, MPI_BYTE and MPI_ERRORS_RETURN. */
const mpichHandles = { world: 0x44000000, byte: 0x4c00010d, errorsReturn: 0x54000001 } as const;

/** Calls to MPI come from the thread of JavaScript alone. */
const threadFunneled = 1;

/** No status or request of either library is longer. */
const mostHandleBytes = 64;

/** How long a call that is not done is asked about without a pause; after that every millisecond. */
const busyMilliseconds = 3;

interface Pending {
  readonly request: Bytes;
  /** Held so that they stay where they are while MPI reads and writes them. */
  readonly memory: readonly Bytes[];
  done(): void;
  fail(error: unknown): void;
}

export class Mpi implements Ranks {
  readonly rank: number;
  readonly size: number;
  readonly #call: (name: string, ...args: unknown[]) => void;
  readonly #handles: { readonly world: unknown; readonly byte: unknown };
  readonly #pending: Pending[] = [];
  #polling = false;
  #moved = 0; // when something was started or done, ms
  #failure: unknown;

  private constructor(functions: Functions, handles: Handles) {
    this.#call = (name, ...args) => {
      const code = functions[name]!(...args);
      if (code !== 0) throw new UserError(`MPI_${name} failed: ${errorText(functions, code)}`);
    };
    this.#handles = handles;
    const number = new Int32Array(new ArrayBuffer(4));
    const ask = (name: string): number => (this.#call(name, handles.world, number), number[0]!);
    this.#call('Init_thread', null, null, threadFunneled, number);
    this.#call('Comm_set_errhandler', handles.world, handles.errorsReturn);
    [this.rank, this.size] = [ask('Comm_rank'), ask('Comm_size')];
  }

  /**
   * Loads the library of whoever started this process and joins the others. Throws a `UserError` with what to install where koffi
   * or the library is missing, and where the library does not see as many ranks as were started.
   */
  static async open(launch: Launch): Promise<Mpi> {
    const who = `${launch.launcher} started ${launch.size ?? 'several'} processes`;
    const koffi = await loadKoffi(who);
    const { library, family } = loadLibrary(koffi, launch, who);
    if (process.env.PMI_FD !== undefined && !isSocket(Number(process.env.PMI_FD))) {
      throw new UserError(
        `${who}, but the descriptor that they hear of each other by did not come through, as npm does not pass it on: ` +
        "start Node without npm, or let MPICH's mpirun use a port (-pmi-port)",
      );
    }
    // Open MPI ends the process in a page of text that does not name the way out; one that was built for Slurm's own PMI goes on.
    if (launch.launcher === 'srun' && launch.family === undefined && family === 'Open MPI' && launch.rank === 0) {
      process.stderr.write('note: srun was told of no MPI; if Open MPI refuses now, set SLURM_MPI_TYPE=pmix\n');
    }
    const mpi = new Mpi(functionsOf(library, family), handlesOf(library, family));
    if (launch.size !== undefined && mpi.size !== launch.size) {
      throw new UserError(
        `${who}, but ${family} sees ${mpi.size}: start them with the mpirun of that library` +
        (launch.launcher === 'srun' ? ', or let srun speak its language: pmix for Open MPI, pmi2 for MPICH' : ''),
      );
    }
    return mpi;
  }

  allgather(mine: Bytes): Promise<Bytes> {
    return this.#exchange('Iallgather', mine, { count: mine.length, length: mine.length * this.size });
  }

  alltoall(outgoing: Bytes): Promise<Bytes> {
    return this.#exchange('Ialltoall', outgoing, { count: outgoing.length / this.size, length: outgoing.length });
  }

  async broadcast(bytes: Bytes): Promise<Bytes> {
    const { world, byte } = this.#handles;
    const buffer = bytes.slice();
    await this.#started([buffer], (request) => this.#call('Ibcast', buffer, buffer.length, byte, 0, world, request));
    return buffer;
  }

  barrier(): Promise<void> {
    return this.#started([], (request) => this.#call('Ibarrier', this.#handles.world, request));
  }

  /** Leaves the others. Every rank must come here, and call nothing afterwards. */
  finalize(): void {
    this.#call('Finalize');
  }

  async #exchange(name: string, outgoing: Bytes, { count, length }: { count: number; length: number }): Promise<Bytes> {
    const { world, byte } = this.#handles;
    // Through its buffer: few bytes might otherwise lie on V8's heap, which moves them.
    const sent = new Uint8Array(outgoing.buffer, outgoing.byteOffset, outgoing.byteLength);
    const received = new Uint8Array(new ArrayBuffer(length));
    await this.#started([sent, received], (request) => this.#call(name, sent, count, byte, received, count, byte, world, request));
    return received;
  }

  /** Fails all calls that are not done, and those to come: the others will not make theirs any more. */
  fail(error: unknown): void {
    this.#failure ??= error;
    for (const { fail } of this.#pending.splice(0)) fail(this.#failure);
  }

  #started(memory: readonly Bytes[], start: (request: Bytes) => void): Promise<void> {
    return new Promise((done, fail) => {
      if (this.#failure) throw this.#failure;
      const request = new Uint8Array(new ArrayBuffer(mostHandleBytes));
      start(request);
      this.#pending.push({ request, memory, done, fail });
      this.#moved = performance.now();
      if (!this.#polling) this.#pollLater();
    });
  }

  #pollLater(): void {
    this.#polling = true;
    if (performance.now() - this.#moved < busyMilliseconds) setImmediate(() => this.#poll());
    else setTimeout(() => this.#poll(), 1);
  }

  #poll(): void {
    try {
      const [isDone, status] = [new Int32Array(new ArrayBuffer(4)), new Uint8Array(new ArrayBuffer(mostHandleBytes))];
      for (const pending of [...this.#pending]) {
        this.#call('Test', pending.request, isDone, status);
        if (isDone[0] === 0) continue;
        this.#pending.splice(this.#pending.indexOf(pending), 1);
        this.#moved = performance.now();
        pending.done();
      }
    } catch (error) {
      this.fail(error);
    }
    this.#polling = false;
    if (this.#pending.length > 0) this.#pollLater();
  }
}

type Functions = Record<string, (...args: unknown[]) => number>;
interface Handles { readonly world: unknown; readonly byte: unknown; readonly errorsReturn: unknown }
type Family = NonNullable<Launch['family']>;

async function loadKoffi(who: string): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new UserError(`${who}, but the package koffi, which MPI is reached through, does not load (${reason}): npm install koffi`);
  }
}

/** The library of the launcher's family; of any family where the launcher works with all. */
function loadLibrary(koffi: Koffi, { family }: Launch, who: string): { library: Library; family: Family } {
  keepMemoryFunctions();
  const named = process.env.DIFFWAVE_MPI;
  const families: readonly Family[] = family ? [family] : ['Open MPI', 'MPICH'];
  const names = named ? [named] : families.flatMap((each) => libraryNames[each]);
  let reason = '';
  for (const name of names) {
    try {
      // Open MPI's plug-ins look for its symbols among the global ones.
      const library = koffi.load(name, { global: true });
      const found = familyOf(library);
      if (found && families.includes(found)) return { library, family: found };
      reason ||= `${name} is ${found ? `${found}'s` : 'none of MPI'}`;
    } catch (error) {
      if (named) reason = String((error as Error).message).split('\n')[0]!;
    }
  }
  const tried = names.join(', ');
  throw new UserError(`${who}, but no library of ${families.join(' or ')} was found (${tried}${reason && `: ${reason}`}): ${howToInstall}`);
}

/**
 * UCX, which MPICH is linked to in distributions, and which Open MPI may load, writes jumps over `mmap`, `brk` and others of the C
 * library as soon as it is loaded, and tries them by moving the end of the heap up and back. Node has other threads by then: what one
 * of them was given in between is gone, and it ends with a segmentation fault (about one start of 150 under load, UCX 1.13). Without
 * the jumps UCX does not keep registrations of memory with InfiniBand cards; whoever needs that sets the variable to what UCX offers.
 */
function keepMemoryFunctions(): void {
  process.env.UCX_MEM_MMAP_HOOK_MODE ??= 'none'; // the C library's environment too, where UCX looks
}

function familyOf(library: Library): Family | undefined {
  const has = (symbol: string): boolean => {
    try {
      library.symbol(symbol);
      return true;
    } catch {
      return false;
    }
  };
  if (has('ompi_mpi_comm_world')) return 'Open MPI';
  return has('MPI_Init_thread') ? 'MPICH' : undefined;
}

function handlesOf(library: Library, family: Family): Handles {
  if (family === 'MPICH') return mpichHandles;
  const [world, byte, errorsReturn] = ['comm_world', 'byte', 'errors_return'].map((name) => library.symbol(`ompi_mpi_${name}`));
  return { world, byte, errorsReturn };
}

/** The C functions, without MPI_ in their names. Every pointer is given as bytes of JavaScript's, which koffi does not copy. */
function functionsOf(library: Library, family: Family): Functions {
  const handle = family === 'MPICH' ? 'int' : 'void *';
  const twoSided = ['void *', 'int', handle, 'void *', 'int', handle, handle, 'void *'];
  const parameters: Record<string, string[]> = {
    Init_thread: ['void *', 'void *', 'int', 'void *'],
    Comm_set_errhandler: [handle, handle],
    Comm_rank: [handle, 'void *'],
    Comm_size: [handle, 'void *'],
    Iallgather: twoSided,
    Ialltoall: twoSided,
    Ibcast: ['void *', 'int', handle, 'int', handle, 'void *'],
    Ibarrier: [handle, 'void *'],
    Test: ['void *', 'void *', 'void *'],
    Error_string: ['int', 'void *', 'void *'],
    Finalize: [],
  };
  return Object.fromEntries(Object.entries(parameters).map(([name, types]) => [name, library.func(`MPI_${name}`, 'int', types)]));
}

/** What MPI says about an error code. */
function errorText(functions: Functions, code: number): string {
  const text = new Uint8Array(new ArrayBuffer(1024)); // more than MPI_MAX_ERROR_STRING
  const length = new Int32Array(new ArrayBuffer(4));
  if (functions.Error_string!(code, text, length) !== 0) return `error ${code}`;
  return new TextDecoder().decode(text.subarray(0, length[0]));
}

/** Whether a descriptor is what the launcher made it; one that did not come through may be something of Node's by now. */
function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false;
  }
}
