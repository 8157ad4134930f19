/**
 * Whether a step is so slow that its memory is probably not on the GPU. Windows and macOS move what does not fit to the machine's
 * memory, or to its disk, in place of refusing it, and WebGPU says nothing of it: a training runs, and takes a hundred times as
 * long. All that shows is the time.
 */
import type { Plan } from '../../autograd/plan.ts';

/** What a step does by its plan. */
export interface StepWork {
  /** Floating-point operations, as `Operation.work` counts them. */
  readonly work: number;
  /** Bytes that are read and written if every operand of every operation is, once. */
  readonly bytes: number;
}

export function workOf({ operations }: Pick<Plan, 'operations'>): StepWork {
  const tensors = operations.flatMap(({ reads, writes }) => [...Object.values(reads), ...Object.values(writes)]);
  return {
    work: operations.reduce((sum, { work = 0 }) => sum + work, 0),
    bytes: tensors.reduce((sum, tensor) => sum + tensor.bytes, 0),
  };
}

/**
 * Operations and bytes a second that the slowest adapters reach: NVIDIA's have memory of their own (a GTX 1050 has 112 GB/s and
 * 1.8 TFLOP/s on paper), others may be a part of a processor.
 */
const slowest = {
  nvidia: { work: 300e9, bytes: 40e9 },
  others: { work: 25e9, bytes: 5e9 },
};

/** A step of less than that has room on every GPU. */
const leastBytes = 2 ** 30;

/** Seconds that a step takes on the slowest adapter of this vendor. */
export function longestPlausible({ work, bytes }: StepWork, vendor: string): number {
  const rate = /nvidia/i.test(vendor) ? slowest.nvidia : slowest.others;
  return work / rate.work + bytes / rate.bytes;
}

/** Updates that are queued before their times are those of the GPU, and as many whose median counts. */
const [firstQueued, counted] = [12, 8];

/** Watches the time from update to update; says once that it is implausible. */
export class PagingWatch {
  readonly #longest: number; // seconds
  readonly #intervals: number[] = []; // seconds, of the last updates
  #last: number | undefined;
  #ticks = 0;
  #said = false;

  /** `allocated` are the bytes that the run holds. On a software adapter there is nothing to watch. */
  constructor(options: { readonly step: StepWork; readonly vendor: string; readonly isSoftware: boolean; readonly allocated: number }) {
    const { step, vendor, isSoftware, allocated } = options;
    this.#longest = isSoftware || allocated < leastBytes ? Infinity : longestPlausible(step, vendor);
  }

  /**
   * Called after every update, at `now` seconds. The seconds of an update, the first time that they are implausible: the
   * median, so that a validation between two updates, or a checkpoint, is none of it.
   */
  update(now: number): number | undefined {
    if (this.#last !== undefined) this.#intervals.push(now - this.#last);
    this.#last = now;
    if (this.#intervals.length > counted) this.#intervals.shift();
    if (++this.#ticks < firstQueued + counted || this.#said) return undefined;
    const median = this.#intervals.toSorted((a, b) => a - b)[counted / 2]!;
    if (!(median > this.#longest)) return undefined;
    this.#said = true;
    return median;
  }
}
