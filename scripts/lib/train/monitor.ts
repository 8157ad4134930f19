/** Watches a training run: validation, samples, TensorBoard, and what is printed of them. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { Journal } from '../../../src/diffwave/files/journal.node.ts';
import type { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { isShared, sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { Split } from '../../../src/diffwave/data/split.ts';
import { PagingWatch, workOf } from '../../../src/diffwave/training/paging.ts';
import type { Trainer } from '../../../src/diffwave/training/trainer.ts';
import type { Progress, Recovery } from '../../../src/diffwave/training/loop.ts';
import type { Validation } from '../../../src/diffwave/validation/validation.ts';
import { Validator } from '../../../src/diffwave/validation/validation.ts';
import { withWeights } from '../../../src/diffwave/model/withWeights.ts';
import type { Ranks } from '../../../src/ranks.ts';
import { alone } from '../../../src/ranks.ts';
import { UserError, escaped } from '../../../src/errors.ts';
import { DeviceLostError } from '../../../src/gpu/device/opened.ts';
import { spelled } from '../cli/spelling.ts';
import { sampleOnTheWay } from '../../../src/diffwave/validation/onTheWay.ts';
import { ProgressDisplay, silence } from './progressDisplay.ts';
import { pagedLine, recoveryLine } from '../report/lines.ts';
import { validationLine, validationTable } from './validationReport.ts';

/** The flags of a command that is watched. */
export const monitorFlags = {
  validationTracks: { type: 'integer', min: 0, help: 'tracks kept back to validate on (a tenth of them; 0 for none)' },
  validateEvery: { type: 'integer', default: 1000, min: 1, help: 'updates between two validations' },
  sampleEvery: { type: 'integer', min: 1, help: 'updates between two sounds made on the way (none are made)' },
} as const;

export interface MonitorOptions {
  readonly trainer: Trainer;
  /** Where it is written to; none for a rank that only takes part in validations. */
  readonly run?: RunFolder;
  /** Who validates together. */
  readonly ranks?: Ranks;
  readonly split: Split;
  readonly model: DiffWaveConfig;
  /** Updates in total. */
  readonly steps: number;
  /** Updates between two validations, and between two samples; without the latter there are none. */
  readonly validateEvery: number;
  readonly sampleEvery?: number;
  /** The update that a resumed run goes on from. */
  readonly resumedAt?: number;
}

export class Monitor {
  readonly display: ProgressDisplay;
  readonly #options: MonitorOptions;
  #trainer: Trainer;
  #validator: Validator | undefined;
  readonly #journal: Journal | undefined;
  #latest: Validation | undefined;
  #paging: PagingWatch;

  private constructor(options: MonitorOptions, validator: Validator | undefined) {
    this.#options = options;
    this.#trainer = options.trainer;
    this.#validator = validator;
    const { run, ranks = alone } = options;
    // A launcher may give the first rank a terminal that nobody looks at, and stops reading it before it ends the ranks.
    const terminal = ranks.size > 1 ? { write: (text: string) => process.stdout.write(text) } : undefined;
    this.#journal = run && new Journal(run.path, { resumedAt: options.resumedAt });
    this.display = new ProgressDisplay({ steps: options.steps, terminal: run ? terminal : silence });
    this.#paging = pagingWatchOf(options.trainer);
  }

  /** Throws a `UserError` if validation does not fit. */
  static async create(options: MonitorOptions): Promise<Monitor> {
    return new Monitor(options, await validatorOf(options.trainer, options));
  }

  progress(progress: Progress): void {
    this.display.report(progress);
    this.#journal?.progress(progress);
  }

  /** After every update. */
  async update(step: number): Promise<void> {
    const { validateEvery, sampleEvery, steps } = this.#options;
    this.display.tick(step);
    const seconds = this.#paging.update(performance.now() / 1000);
    if (seconds !== undefined) this.display.print(pagedLine(seconds, this.#trainer.memory.forecast));
    if (step % validateEvery === 0 || step === steps) await this.#validate(step);
    if (sampleEvery !== undefined && step % sampleEvery === 0) await this.#sample(step);
  }

  /** After the GPU was lost: goes on with the trainer that is on the new device. */
  async recovered(trainer: Trainer, recovery: Recovery): Promise<void> {
    this.display.print(recoveryLine(recovery));
    this.#trainer = trainer;
    this.#paging = pagingWatchOf(trainer);
    this.#validator = await validatorOf(trainer, this.#options, this.#validator);
  }

  /** Before the checkpoint of this update is saved: says whether it is the best so far. */
  markIfBest(step: number): void {
    const { run } = this.#options;
    if (!run || this.#latest?.step !== step || this.#latest.loss >= (run.best?.loss ?? Infinity)) return;
    run.markBest({ step, loss: this.#latest.loss });
  }

  /** After the last update, or what ended the run before it: the table of the last validation's bins. */
  end(): void {
    this.display.end();
    if (this.#latest) this.display.print(validationTable(this.#latest, this.#options.model.labels));
    this.#validator?.destroy();
  }

  async #validate(step: number): Promise<void> {
    const validator = this.#validator;
    if (!validator || this.#latest?.step === step) return; // this step again, if the GPU was lost after its validation
    const { model, average } = this.#trainer;
    this.#latest = await withWeights(model, average, () => validator.evaluate(step));
    this.#options.run?.expectOurs();
    this.#journal?.validation(this.#latest);
    this.display.print(validationLine(this.#latest));
  }

  async #sample(step: number): Promise<void> {
    const { model, average, training: { seed } } = this.#trainer;
    const { run, ranks } = this.#options;
    const { model: config, split, sampleEvery } = this.#options;
    const { label, ...way } = sampleOnTheWay(config, split, step / sampleEvery! - 1);
    const options = { ...way, seed, ranks };
    const shared = isShared(model, options);
    if (!run && !shared) return; // the first rank makes it
    let audio: Float32Array;
    try {
      audio = (await withWeights(model, average, () => sample(model, shared ? options : { ...options, ranks: undefined }))).audio[0]!;
    } catch (error) {
      // Training finds out by itself that its weights are broken, and says more about it.
      if (!(error instanceof UserError) || error instanceof DeviceLostError) throw error;
      return this.display.print(`no sample after ${step} updates: ${spelled(error.message)}`);
    }
    if (!run) return;
    run.expectOurs();
    const { wav } = this.#journal!.sample(step, audio, this.#options.model.sampleRate);
    this.display.print(`sample ${wav}${label === undefined ? '' : ` (${label})`}`);
  }
}

function pagingWatchOf({ plan, memory: { forecast }, model: { gpu } }: Trainer): PagingWatch {
  return new PagingWatch({ step: workOf(plan), vendor: gpu.info.vendor, isSoftware: gpu.isSoftware, allocated: forecast.total });
}

/** The validator of a trainer's model, if there is something to validate on, looking at what `before` looked at. */
async function validatorOf(
  { model, training: { cropSamples, seed } }: Trainer, { split: { training, validation }, ranks }: MonitorOptions, before?: Validator,
): Promise<Validator | undefined> {
  const L = cropSamples ?? training.clipSamples;
  return validation && Validator.create({ model, training, validation, L, seed, items: before?.items, ranks });
}

/** 'held out  1 track for validation: a.wav', or why there is none. */
export function splitLine({ tracks, files, note }: Split): string {
  if (tracks === 0) return `held out  ${note ?? 'no track: there is no validation'}`;
  const shown = 3;
  const more = files.length > shown ? ` and ${files.length - shown} more` : '';
  return `held out  ${tracks} ${tracks === 1 ? 'track' : 'tracks'} for validation: ${files.slice(0, shown).map(escaped).join(', ')}${more}`;
}
