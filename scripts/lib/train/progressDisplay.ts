/** Progress on a terminal: one line that is drawn again and again, with everything else above it; elsewhere plain lines. */
import type { Progress } from '../../../src/diffwave/training/loop.ts';
import { formatDuration, lossText, progressLine, waitingText } from '../report/lines.ts';

/** Where it goes: `process.stdout`, or a test's own. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Where nobody reads. */
export const silence: Terminal = { write() {} };

const barCells = 24;
const redrawMilliseconds = 100;
/** Carriage return, then ECMA-48's "erase in line". */
const clearLine = '\r\x1b[2K';

export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #steps: number;
  readonly #now: () => number; // milliseconds
  #began: { readonly step: number; readonly at: number } | undefined;
  #reported: Progress | undefined;
  #bar = '';
  #drawn = -Infinity;

  /** `steps` is the number of updates in total. */
  constructor(options: { steps: number; terminal?: Terminal; now?: () => number }) {
    this.#steps = options.steps;
    this.#terminal = options.terminal ?? process.stdout;
    this.#now = options.now ?? (() => performance.now());
  }

  /** A line for people, which stays. */
  print(line: string): void {
    this.#terminal.write(`${this.#bar && clearLine}${line}\n${this.#bar}`);
  }

  /** A report: the bar takes its loss over; where there is no bar it is printed. */
  report(progress: Progress): void {
    this.#reported = progress;
    if (!this.#terminal.isTTY) this.print(progressLine(progress, this.#steps));
  }

  /** Called after every step; draws the bar, with `note` in it, if it has not been drawn for a while. */
  tick(step: number, note?: string): void {
    if (!this.#terminal.isTTY) return;
    const now = this.#now();
    this.#began ??= { step, at: now };
    if (now - this.#drawn < redrawMilliseconds && step < this.#steps) return;
    this.#drawn = now;
    // Over all updates but the first, which waits for shaders: validations and samples are then part of the estimate.
    const seconds = (now - this.#began.at) / 1000;
    const stepsPerSecond = seconds > 0 ? (step - this.#began.step) / seconds : undefined;
    const text = barText({ step, steps: this.#steps, note, recent: this.#reported?.recent, waiting: this.#reported?.waiting, stepsPerSecond });
    this.#bar = text.slice(0, (this.#terminal.columns ?? 80) - 1); // a wrapped line could not be cleared
    this.#terminal.write(clearLine + this.#bar);
  }

  /** Leaves the last bar standing, with the cursor below it. */
  end(): void {
    if (this.#bar) this.#terminal.write('\n');
    this.#bar = '';
  }
}

/** What is known of the way through some steps. */
export interface Standing {
  readonly step: number; // may have a fraction, which is not printed
  readonly steps: number;
  readonly note?: string;
  readonly recent?: Progress['recent'];
  readonly waiting?: Progress['waiting'];
  readonly stepsPerSecond?: number;
}

/** '████░░░░  17 % · step 170 of 1000 · loss 0.0812 over 100 updates · 12 steps/s · 1 min 9 s left', without what is not known yet. */
export function barText(at: Standing): string {
  const full = Math.floor((at.step / at.steps) * barCells);
  const percent = String(Math.floor((at.step / at.steps) * 100)).padStart(3);
  return `${'█'.repeat(full)}${'░'.repeat(barCells - full)} ${percent} % · ${standingText(at)}`;
}

/** 'step 170 of 1000 · loss 0.0812 over 100 updates · 12 steps/s · 1 min 9 s left', without what is not known. */
export function standingText({ step, steps, note, recent, waiting, stepsPerSecond }: Standing): string {
  return [
    `step ${Math.floor(step)} of ${steps}`,
    ...(note ? [note] : []),
    ...(recent ? [lossText(recent)] : []),
    ...(stepsPerSecond ? [`${stepsPerSecond >= 10 ? stepsPerSecond.toFixed(0) : stepsPerSecond.toFixed(2)} steps/s`] : []),
    ...(waiting === undefined ? [] : [waitingText(waiting)]),
    ...(stepsPerSecond && step < steps ? [`${formatDuration((steps - step) / stepsPerSecond)} left`] : []),
  ].join(' · ');
}
