/**
 * How many submits a program's run is. Drivers and operating systems watch over their GPUs: what occupies one for longer
 * than a second or two is taken for a hang, the GPU is reset, and the device is lost. The screen of a slow machine stands
 * still meanwhile, too. So no submit shall last longer than `Gpu.longestSubmit`.
 *
 * How long dispatches take is known only once they ran. At first every dispatch is a submit, each timed by the wall clock
 * from the end of the one before it to its own. What is fast enough as a whole is one submit from then on, as it is on
 * every GPU that training is fun on; else dispatches are put together as long as they fit. From time to time a run is timed
 * again, and what has become too long is halved. Nothing ever waits for a measurement, and the order of the dispatches is
 * the same whatever the pieces, so the results are, too.
 *
 * A dispatch that is too long by itself is run in slices from then on (`slices.ts`). One that may be too long by what is known of
 * its work is in slices from the beginning, and whole again once it has turned out to be short. The few kernels that cannot be
 * sliced stay whole: they are short, or a single workgroup. A GPU that is lost by a program of which nothing was timed yet
 * (`Gpu.untimed`) runs everything in more parts afterwards.
 */
import type { Gpu } from '../device/gpu.ts';

/** Dispatches from `start` to before `end`. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/** A dispatch that takes longer than a submit may, and the number of parts that it should be. */
export interface TooLong {
  readonly at: number;
  readonly parts: number;
}

/** Past so many, what is wrong is not that a dispatch is too long. */
const mostParts = 64;

/** Runs between two that are timed. */
const timedEvery = 64;

/** Who made the pieces. */
export interface Listener {
  /** Told of dispatches that are too long, whenever they were timed. */
  onTooLong?(long: readonly TooLong[]): void;
  /** Told when a whole run turned out to be short; may then join its dispatches. */
  onShort?(): void;
}

type Timed = Pick<Gpu, 'submit' | 'submittedWorkDone' | 'longestSubmit' | 'untimed' | 'wasTimed'>;

export class Pieces {
  readonly #gpu: Timed;
  readonly #listener: Listener;
  #pieces: readonly Piece[];
  #runs = 0;
  /** How often all dispatches were timed one by one; the first time, drivers may still be compiling. */
  #timedSingly = 0;
  #settled = false;
  #timing = false;

  /** For a program of `length` dispatches. */
  constructor(gpu: Timed, length: number, listener: Listener = {}) {
    this.#gpu = gpu;
    this.#listener = listener;
    this.#pieces = Array.from({ length }, (_, start) => ({ start, end: start + 1 }));
  }

  /** Of the next run, in order. */
  get current(): readonly Piece[] {
    return this.#pieces;
  }

  /** The next run is one of `length` dispatches that are short together. */
  joined(length: number): void {
    this.#pieces = [{ start: 0, end: length }];
  }

  /** Submits a run, piece by piece. Does not wait. */
  submit(commandsOf: (piece: Piece) => GPUCommandBuffer): void {
    const pieces = this.#pieces;
    const timed = !this.#timing && (!this.#settled || this.#runs % timedEvery === 0);
    this.#runs++;
    if (this.#timedSingly === 0) this.#gpu.untimed.add(this);
    if (!timed) {
      for (const piece of pieces) this.#gpu.submit(commandsOf(piece));
      return;
    }
    const began = performance.now();
    const ends = [this.#gpu.submittedWorkDone()]; // of what was submitted before
    try {
      for (const piece of pieces) {
        this.#gpu.submit(commandsOf(piece));
        ends.push(this.#gpu.submittedWorkDone());
      }
    } catch (error) {
      for (const end of ends) end.catch(() => undefined); // nobody will wait for them
      throw error;
    }
    this.#timing = true;
    Promise.all(ends).then((times) => {
      this.#learn(pieces, pieces.map((_, i) => times[i + 1]! - Math.max(began, times[i]!)));
    }, () => undefined).finally(() => (this.#timing = false)); // a lost device: then there is nothing to learn
  }

  #learn(pieces: readonly Piece[], durations: readonly number[]): void {
    const { longestSubmit } = this.#gpu;
    this.#gpu.wasTimed(this);
    if (!this.#settled) {
      this.#timedSingly++;
      const isShort = durations.reduce((sum, duration) => sum + duration, 0) <= longestSubmit;
      if (!isShort && this.#timedSingly === 1) return;
      this.#pieces = cut(durations, longestSubmit);
      this.#settled = true;
      if (isShort) this.#listener.onShort?.();
    } else {
      this.#pieces = pieces.flatMap((piece, i) => (durations[i]! > longestSubmit ? halves(piece) : [piece]));
    }
    const long = pieces.flatMap(({ start, end }, i) =>
      end - start === 1 && durations[i]! > longestSubmit ? [{ at: start, parts: Math.min(Math.ceil(durations[i]! / longestSubmit), mostParts) }] : []);
    if (long.length > 0) this.#listener.onTooLong?.(long);
  }
}

/** As few pieces as possible that take no longer than `longest`; a dispatch that takes longer is a piece by itself. */
export function cut(durations: readonly number[], longest: number): Piece[] {
  const pieces: Piece[] = [];
  let [start, sum] = [0, 0];
  durations.forEach((duration, i) => {
    if (i > start && sum + duration > longest) {
      pieces.push({ start, end: i });
      [start, sum] = [i, 0];
    }
    sum += duration;
  });
  return [...pieces, { start, end: durations.length }];
}

function halves({ start, end }: Piece): Piece[] {
  if (end - start < 2) return [{ start, end }];
  const middle = Math.floor((start + end) / 2);
  return [{ start, end: middle }, { start: middle, end }];
}
