/**
 * Several processes that take test files from one list. Each keeps its GPU and its kernels from file to file; a file's output is
 * shown when it is through. A process that dies costs the file that it was at, and another one takes its place.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Count {
  passed: number;
  failed: number;
}

type Outcome = Count & { readonly over?: boolean };

/** Compiling kernels takes a processor and most of a gigabyte; more processes than that are rather in each other's way. */
export const usualJobs = Math.min(4, availableParallelism());

/** The flag by which a process of the pool is started. */
export const served = '--served';

const launch = fileURLToPath(new URL('../scripts/launch.mjs', import.meta.url));

/** Begins the line by which a process says that it is through with a file, with a `Count` as JSON after it. */
const through = '\u0001through ';

/** Runs `files` in `jobs` processes and prints what they print; resolves to the sum of what came of them. */
export async function runPool(files: readonly string[], jobs: number, print = (text: string): unknown => process.stdout.write(text)): Promise<Count> {
  const left = [...files];
  const sum: Count = { passed: 0, failed: 0 };
  const work = async (): Promise<void> => {
    let one: Job | undefined;
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      one ??= new Job();
      const { output, count } = await one.run(file);
      print(output);
      sum.passed += count?.passed ?? 0;
      sum.failed += count?.failed ?? 1;
      if (!count || count.over) one = undefined;
    }
    one?.end();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, files.length) }, work));
  return sum;
}

/** What a process of the pool does: runs the files that it is told to. */
export function serveFiles(run: (file: string) => Promise<Count>): void {
  process.stderr.write = process.stdout.write.bind(process.stdout); // in one stream everything keeps its order
  process.on('message', async (file: string) => {
    process.channel!.unref(); // so that the process ends where a test waits for what can no longer happen
    sayThrough(await run(file));
    process.channel?.ref();
  });
  process.on('disconnect', () => process.exit()); // the first process is done, or has died
}

/** Tells the first process what came of a file; with `over`, that this process runs no other one. */
export function sayThrough(count: Outcome): void {
  console.log(`${through}${JSON.stringify(count)}`);
}

class Job {
  readonly #process: ChildProcess;
  #output = '';
  #done: ((count: Outcome | undefined) => void) | undefined;

  constructor() {
    this.#process = spawn(process.execPath, [launch, 'test/run.ts', served], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => void (this.#output += text));
    this.#process.on('close', (code, signal) => {
      if (!this.#done) return;
      this.#output += `the process of these tests ended ${signal ? `by ${signal}` : `with ${code}`} in the middle of them\n\n`;
      this.#done(undefined);
    });
  }

  async run(file: string): Promise<{ output: string; count: Outcome | undefined }> {
    const done = new Promise<Outcome | undefined>((resolve) => (this.#done = resolve));
    this.#process.send(file, (error) => error && this.#done?.(undefined));
    const count = await done;
    this.#done = undefined;
    const output = this.#output;
    this.#output = '';
    return { output: output.includes(file) ? output : `${file}\n${output}`, count };
  }

  end(): void {
    this.#process.disconnect();
  }

  #hear(text: string): void {
    this.#output += text;
    const at = this.#output.indexOf(through);
    const end = at < 0 ? -1 : this.#output.indexOf('\n', at);
    if (end < 0) return;
    const count = JSON.parse(this.#output.slice(at + through.length, end)) as Count;
    this.#output = this.#output.slice(0, at) + this.#output.slice(end + 1);
    this.#done?.(count);
  }
}
