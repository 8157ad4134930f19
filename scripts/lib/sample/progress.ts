/** How far `sample` is: a bar on a terminal; elsewhere, a line now and then for what takes longer. */
import type { Terminal } from '../train/progressDisplay.ts';
import { ProgressDisplay, standingText } from '../train/progressDisplay.ts';

const linesApart = 10_000; // milliseconds, where there is no terminal

export class SampleProgress {
  readonly #terminal: Terminal;
  readonly #clips: number;
  readonly #now: () => number; // milliseconds
  #display: ProgressDisplay | undefined;
  #began: { readonly step: number; readonly at: number } | undefined;
  #printed = 0; // when

  /** `clips` is how many will be made, all in the same number of steps. */
  constructor(options: { clips: number; terminal: Terminal; now?: () => number }) {
    this.#clips = options.clips;
    this.#terminal = options.terminal;
    this.#now = options.now ?? (() => performance.now());
    this.#printed = this.#now();
  }

  /** Called now and then in a clip's `total` steps; `done` may have a fraction, `clip` counts from 0. */
  step({ clip, done, total }: { clip: number; done: number; total: number }): void {
    const [step, steps] = [clip * total + done, this.#clips * total];
    const note = this.#clips > 1 ? `clip ${clip + 1} of ${this.#clips}` : undefined;
    const now = this.#now();
    this.#began ??= { step, at: now };
    if (this.#terminal.isTTY) {
      this.#display ??= new ProgressDisplay({ steps, terminal: this.#terminal, now: this.#now });
      this.#display.tick(step, note);
    } else if (step < steps && now - this.#printed >= linesApart) {
      this.#printed = now;
      const stepsPerSecond = (1000 * (step - this.#began.step)) / (now - this.#began.at);
      this.print(standingText({ step, steps, note, stepsPerSecond }));
    }
  }

  /** A line for people, which stays. */
  print(line: string): void {
    if (this.#display) this.#display.print(line);
    else this.#terminal.write(`${line}\n`);
  }

  /** Leaves the bar standing, with the cursor below it. */
  end(): void {
    this.#display?.end();
  }
}
