/**
 * The step of a training whose batch is cut into `parts`: this rank's parts one after the other, the sum of all ranks' gradients
 * on the host, and on every rank the same update. `trainer.ts` runs it.
 */
import { allSettled } from '../../allSettled.ts';
import type { Executable } from '../../autograd/executable.ts';
import type { Parameters } from '../../autograd/parameters.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { Values } from '../../gpu/program/dispatch.ts';
import type { Program } from '../../gpu/program/program.ts';
import type { Ranks } from '../../ranks.ts';
import type { TrainingConfig } from './config.ts';
import { PartSum } from './partSum.ts';
import type { Rings } from './step.ts';
import { itemsOf } from './step.ts';

interface SharedStepParts {
  readonly gpu: Gpu;
  readonly ranks: Ranks;
  readonly training: TrainingConfig;
  readonly parameters: Parameters;
  readonly rings: Rings;
  /** Computes the gradients of one part. */
  readonly executable: Executable;
}

export class SharedStep {
  /** Whether some rank was asked to stop before the last step. */
  stop = false;
  /** Seconds in which this rank waited for others, in all steps so far. */
  waited = 0;
  readonly #parts: SharedStepParts;
  readonly #update: Program;
  readonly #sum: PartSum;

  private constructor(parts: SharedStepParts, update: Program) {
    this.#parts = parts;
    this.#update = update;
    this.#sum = new PartSum(parts.ranks, { parts: parts.training.parts!, length: parts.parameters.size / 4 });
  }

  /** The operations of `executable` from `end` on are the update. */
  static async build({ end, ...parts }: SharedStepParts & { readonly end: number }): Promise<SharedStep> {
    return new SharedStep(parts, await parts.executable.programFrom(end));
  }

  /** `write` writes the items of the batch from `first` on; `values` are the step's uniforms. */
  async run(write: (first: number) => void, { values, stop }: { values: Values; stop: boolean }): Promise<void> {
    const { gpu, parameters: { gradients }, rings, executable, training } = this.#parts;
    const figure = { offset: values.historySlot! * 4, size: 4 };
    const sum = await this.#sum.of(async (part) => {
      const first = part * itemsOf(training);
      write(first);
      executable.run({ ...values, noiseItem: first });
      const [gradient, loss] = await allSettled([
        gpu.read(gradients.buffer, { offset: 0, size: gradients.size }), gpu.read(rings.losses, figure),
      ]);
      return { gradient: new Float32Array(gradient!), loss: new Float32Array(loss!)[0]! };
    }, { stop });
    gpu.device.queue.writeBuffer(gradients.buffer, 0, sum.gradient);
    gpu.device.queue.writeBuffer(rings.losses, figure.offset, Float32Array.of(sum.loss));
    this.#update.run(values);
    this.stop = sum.stop;
    this.waited += sum.waited;
  }

  destroy(): void {
    this.#update.destroy();
  }
}
