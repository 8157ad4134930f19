/** How long the GPU needs for a pass: by its own timestamps where the adapter has them, by the wall clock elsewhere. */
import type { Gpu } from './gpu.ts';

/** Fills a pass with dispatches. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** A query set may have 4096 queries on every adapter, and a pass needs two. */
const passesAtOnce = 2048;

/**
 * Share of the expected time that a software adapter is left alone; see `Gpu.idle`. Timestamps do not mind if that is
 * too long, the wall clock does, and what one expects was perhaps measured while polling.
 */
const sleptShare = { timestamps: 0.9, 'wall clock': 0.6 };

export class Stopwatch {
  readonly source: 'timestamps' | 'wall clock';
  readonly #gpu: Gpu;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.source = gpu.device.features.has('timestamp-query') ? 'timestamps' : 'wall clock';
  }

  /**
   * Runs the passes, each after the one before it is done, and returns the seconds of each. `expected` is a guess of
   * the seconds of all. Browsers, and Dawn unless told otherwise, round timestamps to 65.5 µs: time more than that.
   */
  async time(passes: readonly Encode[], { expected = 0 } = {}): Promise<number[]> {
    this.#gpu.check();
    const seconds: number[] = [];
    for (let first = 0; first < passes.length; first += passesAtOnce) {
      const some = passes.slice(first, first + passesAtOnce);
      seconds.push(...(this.source === 'timestamps' ? await this.#stamped(some, expected) : await this.#awaited(some, expected)));
    }
    return seconds;
  }

  async #stamped(passes: readonly Encode[], expected: number): Promise<number[]> {
    const { device } = this.#gpu;
    const querySet = device.createQuerySet({ type: 'timestamp', count: passes.length * 2 });
    const size = passes.length * 16;
    const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    try {
      const encoder = device.createCommandEncoder();
      passes.forEach((encode, i) => {
        const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        encode(pass);
        pass.end();
      });
      encoder.resolveQuerySet(querySet, 0, passes.length * 2, resolved, 0);
      device.queue.submit([encoder.finish()]);
      await this.#sleep(expected);
      const nanoseconds = new BigUint64Array(await this.#gpu.read(resolved, { offset: 0, size }));
      return passes.map((_, i) => Number(nanoseconds[2 * i + 1]! - nanoseconds[2 * i]!) / 1e9);
    } finally {
      querySet.destroy();
      resolved.destroy();
    }
  }

  async #awaited(passes: readonly Encode[], expected: number): Promise<number[]> {
    const { device } = this.#gpu;
    const seconds: number[] = [];
    for (const encode of passes) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      encode(pass);
      pass.end();
      const commands = encoder.finish();
      const start = performance.now();
      device.queue.submit([commands]);
      await this.#sleep(expected / passes.length);
      await device.queue.onSubmittedWorkDone();
      seconds.push((performance.now() - start) / 1000);
    }
    this.#gpu.check();
    return seconds;
  }

  /** A pending promise makes dawn.node poll in a tight loop, which takes the CPU from a software adapter's kernels. */
  async #sleep(expected: number): Promise<void> {
    const slept = this.#gpu.isSoftware ? expected * sleptShare[this.source] * 1000 : 0;
    if (slept > 2) await new Promise((resolve) => setTimeout(resolve, slept));
  }
}
