/** A peer in a process of its own, that does one thing per line it is sent; see serve.mjs. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Task = 'forward' | 'train';

export interface Answer {
  readonly seconds: number;
  readonly loss: number;
}

interface Line extends Partial<Answer> {
  readonly ready?: boolean;
  /** What it calls itself. */
  readonly name?: string;
  readonly error?: string;
}

export class PeerProcess {
  #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #complaint: () => string;

  private constructor(name: string, child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, complaint: () => string) {
    this.#name = name;
    this.#child = child;
    this.#lines = lines;
    this.#complaint = complaint;
  }

  /** Throws in one line why it does not run. */
  static async start(name: string, [program, ...args]: readonly string[]): Promise<PeerProcess> {
    const child = spawn(program!, args);
    let heard = '';
    child.stderr.on('data', (text) => { heard = (heard + text).slice(-4096); });
    child.on('error', (error) => { heard = error.message; });
    child.stdin.on('error', () => {}); // it has ended; reading says so
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const complaint = (): string => {
      const said = heard.trim().split('\n');
      return (said.findLast((line) => /error/i.test(line)) ?? said.at(-1)!).trim() || 'it ended at once';
    };
    const peer = new PeerProcess(name, child, lines, complaint);
    peer.#name = (await peer.#read()).name ?? name; // it knows its version better
    return peer;
  }

  get name(): string {
    return this.#name;
  }

  /** Throws if it takes more than `patience` seconds; it can then only be ended. */
  async do(task: Task, patience: number): Promise<Answer> {
    this.#child.stdin.write(`${task}\n`);
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`one '${task}' took more than ${patience} s`)), patience * 1000);
    });
    try {
      const { seconds, loss } = await Promise.race([this.#read(), tooLong]);
      return { seconds: seconds!, loss: loss! };
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    this.#child.kill();
  }

  async #read(): Promise<Line> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(this.#complaint());
      if (!value.startsWith('{')) continue; // a library that greets
      const line: Line = JSON.parse(value);
      if (line.error !== undefined) throw new Error(line.error);
      return line;
    }
  }
}
