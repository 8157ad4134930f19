/** The MPI libraries of this machine (a Linux: processes are looked for below /proc), and programs that they start. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface MpiLauncher {
  readonly name: 'Open MPI' | 'MPICH';
  /** Program and its flags, for this many ranks; with seconds, those that it leaves them for their end. */
  command(ranks: number, seconds?: number): readonly string[];
}

/** Debian's names, where both are installed; elsewhere there is one at most. */
const candidates = [['mpirun.openmpi'], ['mpirun.mpich'], ['mpirun']] as const;

function nameOf(program: string): MpiLauncher['name'] | undefined {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (/Open MPI/i.test(stdout ?? '')) return 'Open MPI';
  return /HYDRA/i.test(stdout ?? '') ? 'MPICH' : undefined;
}

const found = new Map<MpiLauncher['name'], string>();
for (const [program] of process.platform === 'linux' ? candidates : []) {
  const name = nameOf(program);
  if (name && !found.has(name)) found.set(name, program);
}

/**
 * Those that are there. DIFFWAVE_TEST_MPI names the libraries that must be, 'Open MPI,MPICH', as .ci/run does: their tests then fail
 * where they cannot run.
 */
export const launchers: readonly MpiLauncher[] = [...found].map(([name, program]) => ({
  name,
  command: (ranks, seconds) => [
    program,
    // In a container everybody is root, and there may be fewer processors than ranks.
    ...(name === 'Open MPI' ? ['--allow-run-as-root', '--oversubscribe'] : []),
    // Between Ctrl-C and SIGTERM, and between that and SIGKILL, Open MPI leaves a second, which is little on a busy machine.
    ...(name === 'Open MPI' && seconds !== undefined ? ['--mca', 'odls_base_sigkill_timeout', String(seconds)] : []),
    '-n', String(ranks),
  ],
}));

for (const name of process.env.DIFFWAVE_TEST_MPI?.split(',') ?? []) {
  if (!found.has(name as MpiLauncher['name'])) throw new Error(`${name} is not installed, and DIFFWAVE_TEST_MPI wants it`);
}

export interface RanksOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from when `interfere` was done to the end, if that was called. */
  readonly endedAfter: number | undefined;
}

/**
 * Starts `program` (of this project, with its arguments) as so many ranks; with `last` the last of them has that instead. `interfere`
 * is called once, with the launcher's process id: `after` so many milliseconds (0) from when `at` has appeared on stdout, without `at`
 * from the start on.
 */
export async function runRanks(launcher: MpiLauncher, ranks: number, program: readonly string[], options: {
  readonly env?: NodeJS.ProcessEnv; readonly last?: readonly string[]; readonly secondsForTheEnd?: number;
  readonly at?: string; readonly after?: number; readonly interfere?: (launcherId: number) => unknown;
} = {}): Promise<RanksOutcome> {
  const node = [process.execPath, '--import', 'tsx'];
  const { last } = options;
  const [command, ...flags] = launcher.command(last ? ranks - 1 : ranks, options.secondsForTheEnd);
  const child = spawn(command!, [...flags, ...node, ...program, ...(last ? [':', '-n', '1', ...node, ...last] : [])], {
    cwd: root, env: { ...process.env, LP_NUM_THREADS: '1', ...options.env }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  let interfered: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const interfere = (): void => {
    timer ??= setTimeout(async () => {
      await options.interfere?.(child.pid!);
      interfered = performance.now();
    }, options.after ?? 0);
  };
  if (options.at === undefined && options.interfere) interfere();
  child.stderr.on('data', (text) => { stderr += text; });
  child.stdout.on('data', (text) => {
    stdout += text;
    if (options.at !== undefined && stdout.includes(options.at)) interfere();
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { status, stdout, stderr, endedAfter: interfered === undefined ? undefined : performance.now() - interfered };
}
