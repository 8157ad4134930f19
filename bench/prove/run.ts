/** Runs one part in a process of its own, ends it when its time is over, and collects what it said. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Provenance } from '../lib/report.ts';
import type { Message, PartOptions } from './messages.ts';
import { messageOf } from './messages.ts';

const launcher = join(import.meta.dirname, '..', '..', 'scripts', 'launch.mjs');

/** What became of a part. */
export interface PartResult {
  readonly name: string;
  readonly title: string;
  /** `wrong`: it said so. `crashed`: it ended without coming to its end. `cut off`: its time was over. */
  readonly outcome: 'right' | 'wrong' | 'crashed' | 'absent' | 'cut off' | 'not reached';
  readonly seconds: number;
  readonly lines: readonly string[];
  readonly details: readonly string[];
  /** What was wrong, or why it crashed or is absent. */
  readonly problems: readonly string[];
}

/** Whether the result of a part is a reason for exit code 1. */
export function isBad({ outcome }: Pick<PartResult, 'outcome'>): boolean {
  return outcome === 'wrong' || outcome === 'crashed';
}

export interface RunningPart {
  readonly result: Promise<Omit<PartResult, 'title'>>;
  /** Ends it at once. */
  kill(): void;
}

export interface PartListener {
  onAdapter(from: Provenance): void;
  onRow(bench: string, row: object): void;
  onLine(text: string): void;
  onTile(tile: NonNullable<PartOptions['tile']>): void;
}

/** Starts a part. `program` is the child; tests have another one. */
export function runPart(options: PartOptions, listener: PartListener, program = 'bench/prove/child.ts'): RunningPart {
  const start = performance.now();
  // A group of its own, so that what it started (PyTorch) ends with it. Windows has no groups.
  const detached = process.platform !== 'win32';
  const child = spawn(process.execPath, [launcher, program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'], detached,
  });
  const kill = (): void => {
    try {
      if (detached) process.kill(-child.pid!, 'SIGKILL');
      else child.kill('SIGKILL');
    } catch {
      return; // it has ended
    }
  };
  let [isLate, isDone, isUnfinished] = [false, false, false];
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, options.seconds * 1000);
  const lines: string[] = [];
  const details: string[] = [];
  const wrong: string[] = [];
  const absent: string[] = [];
  const handle = (message: Message): void => {
    if (message.kind === 'adapter') listener.onAdapter(message.from);
    else if (message.kind === 'row') listener.onRow(message.bench, message.row);
    else if (message.kind === 'tile') listener.onTile(message.tile);
    else if (message.kind === 'details') details.push(message.text);
    else if (message.kind === 'done') isDone = true;
    else {
      const { kind, text } = message;
      if (kind === 'line' || kind === 'unfinished') lines.push(text);
      isUnfinished ||= kind === 'unfinished';
      if (kind === 'wrong') wrong.push(text);
      if (kind === 'absent') absent.push(text);
      listener.onLine(kind === 'wrong' ? `WRONG: ${text}` : text);
    }
  };
  let heard = '';
  child.stderr.on('data', (text) => { heard = (heard + text).slice(-8192); });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = messageOf(line);
    if (message) handle(message);
  });
  const result = new Promise<Omit<PartResult, 'title'>>((resolve) => {
    child.on('error', (error) => { heard += `\n${error.message}`; });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      kill(); // what it left running
      const crash = isDone || isLate ? [] : [lastWords(heard) ?? `it ended with ${signal ?? `exit code ${code}`} and said nothing`];
      const outcome = wrong.length > 0 ? 'wrong' : crash.length > 0 ? 'crashed' : isLate || isUnfinished ? 'cut off' : absent.length > 0 ? 'absent' : 'right';
      const seconds = (performance.now() - start) / 1000;
      for (const text of crash) listener.onLine(`CRASHED: ${text}`);
      resolve({ name: options.part, outcome, seconds, lines, details, problems: [...wrong, ...crash, ...absent] });
    });
  });
  return { result, kill };
}

/** The line of what a process said that explains its end best; Dawn's own warnings never do. */
function lastWords(text: string): string | undefined {
  const said = text.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(Warning: |at )/.test(line));
  const bug = said.findIndex((line) => line.startsWith('this is a bug'));
  return bug >= 0 ? said[bug + 1] ?? said[bug] : said.findLast((line) => /error|lost|fail|refused|assert/i.test(line)) ?? said.at(-1);
}
