/** Scripts as the user runs them: as programs of their own, with the adapter of the process that runs the tests. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../audio/helpers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const home = temporaryFolder(); // what scripts keep in the user's cache folder goes there

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  /** Without what Dawn itself prints. */
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Once this text has appeared on stdout, the program is sent a SIGINT, as Ctrl-C does. */
  readonly interruptAt?: string;
}

/** An environment in which Dawn finds no adapter and none is fetched. It works on Linux; elsewhere none can be hidden. */
export const WITHOUT_ADAPTER = {
  VK_DRIVER_FILES: '/nonexistent',
  VK_ICD_FILENAMES: '/nonexistent',
  DIFFWAVE_SOFTWARE_ADAPTER: 'off',
};

/** Runs `scripts/<name>.ts` with these arguments. No folder of programs: a player must not be heard in a test. */
export async function runScript(name: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { env, interruptAt } = options;
  const child = spawn(process.execPath, ['--import', 'tsx', `scripts/${name}.ts`, ...args], {
    cwd: root,
    env: { ...process.env, HOME: home, XDG_CACHE_HOME: home, LOCALAPPDATA: home, PATH: '', ...env },
  });
  let [stdout, stderr, interrupted] = ['', '', false];
  child.stderr.on('data', (text) => { stderr += text; });
  child.stdout.on('data', (text) => {
    stdout += text;
    if (interruptAt === undefined || interrupted || !stdout.includes(interruptAt)) return;
    interrupted = true;
    child.kill('SIGINT');
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr: stderr.split('\n').filter((line) => !/^Warning: |^ +at operator/.test(line)).join('\n') };
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
