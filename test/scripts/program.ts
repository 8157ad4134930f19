/** Scripts as the user runs them: as programs of their own, with the adapter of the process that runs the tests. */
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../audio/helpers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const home = temporaryFolder();

/** What scripts keep in the user's cache folder goes elsewhere; what Mesa has compiled stays, as that takes seconds. */
export const CACHES = {
  HOME: home,
  XDG_CACHE_HOME: home,
  LOCALAPPDATA: home,
  MESA_SHADER_CACHE_DIR:
    process.env.MESA_SHADER_CACHE_DIR ?? process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
};

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  /** The same as bytes, for what is no text. */
  readonly bytes: Uint8Array;
  /** Without what Dawn itself prints. */
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Once this text has appeared on stdout, the program is sent a SIGINT, as Ctrl-C does. */
  readonly interruptAt?: string;
  /** It is killed (SIGKILL) so many milliseconds after this text has appeared on stdout, or after its start. */
  readonly kill?: { readonly after?: string; readonly milliseconds: number };
  /** It is killed when this settles. */
  readonly killOn?: Promise<unknown>;
  /** Bytes after which writing fails as on a full disk. */
  readonly diskRoom?: number;
  /** The GPU is lost when these steps are logged, '4,9'. */
  readonly loseGpuAt?: string;
}

/** An environment in which Dawn finds no adapter and none is fetched. It works on Linux; elsewhere none can be hidden. */
export const WITHOUT_ADAPTER = {
  VK_DRIVER_FILES: '/nonexistent',
  VK_ICD_FILENAMES: '/nonexistent',
  DIFFWAVE_SOFTWARE_ADAPTER: 'off',
};

/** Dawn's own warnings, the C++ lines where they arose, and the empty lines between them. */
const DAWN = /^Warning: |^ +at .*\/dawn\/|^\n$/;

/** Runs the command `name` with these arguments. No folder of programs: a player must not be heard in a test. */
export async function runScript(name: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { env, interruptAt, kill, killOn, diskRoom, loseGpuAt } = options;
  const mishaps = [...(diskRoom === undefined ? [] : ['fullDisk']), ...(loseGpuAt === undefined ? [] : ['loseGpu'])];
  const preload = mishaps.flatMap((name) => ['--import', `./test/scripts/${name}.mjs`]);
  const child = spawn(process.execPath, [...preload, '--import', 'tsx', 'scripts/diffwave.ts', name, ...args], {
    cwd: root,
    env: { ...process.env, ...CACHES, PATH: '', DISK_ROOM: String(diskRoom), LOSE_GPU_AT: loseGpuAt, ...env },
  });
  let [stdout, stderr, interrupted] = ['', '', false];
  const chunks: Uint8Array[] = [];
  child.stderr.on('data', (text) => { stderr += text; });
  const killLater = (): void => void setTimeout(() => child.kill('SIGKILL'), kill!.milliseconds);
  if (kill && kill.after === undefined) killLater();
  void killOn?.finally(() => child.kill('SIGKILL'));
  child.stdout.on('data', (text) => {
    chunks.push(text);
    const appears = kill?.after !== undefined && !stdout.includes(kill.after);
    stdout += text;
    if (appears && stdout.includes(kill!.after!)) killLater();
    if (interruptAt === undefined || interrupted || !stdout.includes(interruptAt)) return;
    interrupted = true;
    child.kill('SIGINT');
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const own = stderr.split(/(?<=\n)/).filter((line) => !DAWN.test(line));
  return { status, stdout, bytes: Buffer.concat(chunks), stderr: own.join('') };
}

/** The script must work and say nothing on stderr. Returns what it printed. */
export async function succeeds(name: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await runScript(name, args, options);
  assert.equal({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

/** The script must end with 1 and one line on stderr, which begins with its name and has all of these texts. */
export async function refuses(
  name: string, args: readonly string[], texts: readonly string[], options: RunOptions = {},
): Promise<void> {
  const { status, stderr } = await runScript(name, args, options);
  assert.is(status, 1, stderr);
  assert.match(stderr, new RegExp(`^${name}: [^\\n]+\\n$`));
  for (const text of texts) assert.ok(stderr.includes(text), `wanted '${text}' in '${stderr}'`);
}
