/** What a part of `npm run prove` is given, and what it can say. It runs in a process of its own, see `child.ts`. */
import type { Machine } from '../lib/machine.ts';
import { openMachine } from '../lib/machine.ts';
import { provenance } from '../lib/report.ts';
import type { Sizes } from '../lib/work.ts';
import { sizesOf } from '../lib/work.ts';
import type { Message, PartOptions } from './messages.ts';

/** Seconds that a part leaves before it would be ended. */
const margin = 3;

export class PartContext {
  readonly small: boolean;
  readonly python: string;
  readonly tile: PartOptions['tile'];
  readonly #seconds: number;
  readonly #send: (message: Message) => void;
  #machine: Promise<Machine> | undefined;

  constructor({ small, python, seconds, tile }: PartOptions, send: (message: Message) => void) {
    this.small = small;
    this.python = python;
    this.tile = tile;
    this.#seconds = seconds;
    this.#send = send;
  }

  /** The adapter with the sizes of kernels that were tuned before, opened at the first call. */
  machine(options: { matrices?: boolean } = {}): Promise<Machine> {
    return (this.#machine ??= this.#open(options));
  }

  async #open(options: { matrices?: boolean }): Promise<Machine> {
    const machine = await openMachine(options);
    const { gpu } = machine;
    if (this.tile && gpu.variant.variant === 'tile') gpu.variant = { ...gpu.variant, tile: this.tile };
    this.#send({ kind: 'adapter', from: provenance(gpu) });
    return machine;
  }

  /** The preset that is measured: `gtzan` as it is trained, or a small one. */
  get sizes(): Sizes {
    return this.small ? sizesOf('tiny', { B: 1, L: 128 }) : sizesOf('gtzan', {});
  }

  /** Seconds that are left to this part. */
  get left(): number {
    return this.#seconds - margin - performance.now() / 1000;
  }

  row(bench: string, row: object): void {
    this.#send({ kind: 'row', bench, row: { ...row, ...(this.small && { small: true }) } });
  }

  line(text: string): void {
    this.#send({ kind: 'line', text });
  }

  details(text: string): void {
    this.#send({ kind: 'details', text });
  }

  wrong(text: string): void {
    this.#send({ kind: 'wrong', text });
  }

  absent(text: string): void {
    this.#send({ kind: 'absent', text });
  }

  unfinished(text: string): void {
    this.#send({ kind: 'unfinished', text });
  }

  useTile(tile: NonNullable<PartOptions['tile']>): void {
    this.#send({ kind: 'tile', tile });
  }
}

export type Part = (context: PartContext) => Promise<void>;
