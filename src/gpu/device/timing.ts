/** How long the GPU needs for a pass: by its own timestamps where the adapter has them, by the wall clock elsewhere. */
import type { Gpu } from './gpu.ts';

/** Fills a pass with dispatches. */
export type Encode = (pass: GPUComputePassEncoder) => void;

/** A query set may have 4096 queries on every adapter, and a pass needs two. */
const passesAtOnce = 2048;

export class Stopwatch {
  readonly source: 'timestamps' | 'wall clock';
  readonly #gpu: Gpu;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.source = gpu.device.features.has('timestamp-query') ? 'timestamps' : 'wall clock';
  }

  /**
   * Runs the passes, each after the one before it is done, and returns the seconds of each. Browsers, and Dawn unless told
   * otherwise, round timestamps to 65.5 µs: time more than that.
   */
  async time(passes: readonly Encode[]): Promise<number[]> {
    this.#gpu.check();
    const seconds: number[] = [];
    for (let first = 0; first < passes.length; first += passesAtOnce) {
      const some = passes.slice(first, first + passesAtOnce);
      seconds.push(...(this.source === 'timestamps' ? await this.#stamped(some) : await this.#awaited(some)));
    }
    return seconds;
  }

  async #stamped(passes: readonly Encode[]): Promise<number[]> {
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
      const nanoseconds = new BigUint64Array(await this.#gpu.read(resolved, { offset: 0, size }));
      return passes.map((_, i) => Number(nanoseconds[2 * i + 1]! - nanoseconds[2 * i]!) / 1e9);
    } finally {
      querySet.destroy();
      resolved.destroy();
    }
  }

  async #awaited(passes: readonly Encode[]): Promise<number[]> {
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
      seconds.push(((await this.#gpu.submittedWorkDone()) - start) / 1000);
    }
    this.#gpu.check();
    return seconds;
  }
}
