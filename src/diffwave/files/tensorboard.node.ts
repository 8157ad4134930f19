/** A run's event file, to be read by `tensorboard --logdir <run>`. */
import { join } from 'node:path';
import { appendToFile } from '../../disk/files.node.ts';
import type { EventContent, SummaryValue } from '../../formats/tfrecord.ts';
import { eventRecord } from '../../formats/tfrecord.ts';

export class EventFile {
  readonly path: string;

  /**
   * Begins a file of its own, named as TensorBoard wants it. With `resumedAt`, what older files say of the updates
   * after that is void: the run does them again.
   */
  constructor(folder: string, options: { resumedAt?: number } = {}) {
    this.path = join(folder, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${process.pid}.diffwave`);
    const { resumedAt } = options;
    this.#append(0, { kind: 'version' });
    if (resumedAt !== undefined) this.#append(resumedAt + 1, { kind: 'restart' });
  }

  write(step: number, values: readonly SummaryValue[]): void {
    this.#append(step, { kind: 'summary', values });
  }

  #append(step: number, content: EventContent): void {
    appendToFile(this.path, eventRecord({ wallTime: Date.now() / 1000, step, content }));
  }
}
