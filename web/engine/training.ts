/** Training in the worker: a run that begins or goes on, with checkpoints that a killed tab does not take away. */
import type { ArchivedRun, Dataset, Gpu, LogEntry, RunConfig, Trainer, Validation } from '../../src/web.ts';
import {
  DiffWave, Validator, archiveRun, configFor, fingerprintOf, formatVersion, knownLabels, labelled, splitByTrack, staysAt, train, trainingOver, withWeights,
} from '../../src/web.ts';
import { labelsWanted, tracksOf } from './labels.ts';
import { besideTraining, planLine } from './planning.ts';
import type { RunWish, Tell, TrainingWish } from './protocol.ts';
import { SoundsOnTheWay } from './soundsOnTheWay.ts';
import type { Store } from './store.ts';

export interface TrainingContext {
  readonly gpu: Gpu;
  readonly dataset: Dataset;
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

/** Updates between two lines: often enough that the curve moves, seldom enough to cost nothing. */
const printEvery = 5;

/** The first validation waits for so many updates, the following ones for twice as many each, up to a limit. */
const [firstValidation, mostBetween] = [50, 1000];

/** A new run's configuration, as Node's config.json has it. */
export function configOf(wish: TrainingWish, dataset: Dataset): RunConfig {
  const { preset, training, steps, memoryLimit, labels } = wish;
  const model = { ...wish.model, ...labelsWanted(wish, dataset) };
  const { tracks } = splitByTrack(dataset, { seed: training.seed, leastClips: training.batchSize });
  return {
    format: formatVersion, preset, model: configFor(model, dataset), training: trainingOver(steps, training), data: dataset.manifest.source,
    preparation: dataset.manifest.options, validationTracks: tracks, copiesTogether: true,
    ...(memoryLimit !== undefined && { memoryLimit }), ...(labels && { labels: 'folders' }),
  };
}

/** Trains until `steps` or the signal; returns the step that is saved. */
export async function trainRun(
  { config, from, steps, saveEvery, soundEvery }: RunWish & { config: RunConfig; from?: ArchivedRun }, context: TrainingContext,
): Promise<number> {
  const { gpu, dataset, store, signal, tell } = context;
  const { training, validationTracks, copiesTogether = false, memoryLimit } = config;
  const classes = config.model.labels;
  const labels = classes && knownLabels(tracksOf(dataset), from?.labels ?? new Map(), { byFolders: config.labels === 'folders' });
  const clips = labels ? labelled(dataset, labels, classes) : dataset;
  const split = splitByTrack(clips, { tracks: validationTracks, seed: training.seed, leastClips: training.batchSize, copiesTogether });
  const data = await fingerprintOf(dataset);
  using model = DiffWave.create(gpu, config.model, { seed: training.seed });
  const resume = from?.load(model);
  const log: LogEntry[] = [...(from?.log ?? [])];
  const watch = new Watch(split, { seed: training.seed, before: from?.validations ?? [], tell });
  const sounds = new SoundsOnTheWay({ every: soundEvery, config: config.model, split, signal, tell });
  let saved = resume?.step ?? 0;
  let isDone = false;
  try {
    await train(model, {
      dataset: split.training, training, steps, resume, signal, printEvery, saveEvery, snapshotEvery: Math.min(saveEvery, 500), memoryLimit,
      beside: besideTraining(model, { config: config.model, validates: split.validation !== undefined, sounds: soundEvery > 0 }),
      onStart: async (trainer) => {
        tell('plan', planLine(trainer.memory, { parameters: model.parameters.count, training: trainer.training }));
        if (split.note) tell('note', split.note);
        await watch.begin(trainer);
      },
      onUpdate: async (trainer) => {
        await watch.look();
        await sounds.look(trainer);
      },
      onProgress: (progress) => {
        const { step, loss, gradientNorm, learningRate, seconds } = progress;
        log.push({ step, loss, gradientNorm, learningRate, seconds });
        tell('progress', progress);
      },
      onRecovery: async (trainer, recovery) => {
        log.push({ event: 'device lost', ...recovery });
        const { step, resumedFrom, reason } = recovery;
        tell('note', `the GPU was lost after ${step} updates (${reason}): going on from step ${resumedFrom} on a new device`);
        await watch.begin(trainer);
      },
      onSave: async (state) => {
        await store.write(await archiveRun(model, { ...state, data }, { config, log: log.filter((entry) => staysAt(state.step, entry)), validations: watch.validations, labels }));
        saved = state.step;
        tell('saved', saved);
      },
    });
    isDone = true;
  } finally {
    watch.end();
    await sounds.end({ now: !isDone });
  }
  return saved;
}

/** Validation beside training, on tracks that are kept back. */
class Watch {
  readonly #split: ReturnType<typeof splitByTrack>;
  readonly #seed: number;
  readonly #tell: Tell;
  #trainer: Trainer | undefined;
  #validator: Validator | undefined;
  #next = firstValidation;
  #validations: readonly Validation[];

  constructor(split: ReturnType<typeof splitByTrack>, { seed, before, tell }: { seed: number; before: readonly Validation[]; tell: Tell }) {
    this.#split = split;
    this.#validations = before;
    this.#seed = seed;
    this.#tell = tell;
  }

  async begin(trainer: Trainer): Promise<void> {
    this.#trainer = trainer;
    const { training, validation } = this.#split;
    if (!validation) return;
    const { model } = trainer;
    const L = trainer.training.cropSamples ?? training.clipSamples;
    const items = this.#validator?.items;
    this.#validator = await Validator.create({ model, training, validation, L, seed: this.#seed, items });
    while (this.#next <= trainer.step) this.#advance();
  }

  async look(): Promise<void> {
    const [trainer, validator] = [this.#trainer!, this.#validator];
    if (!validator || trainer.step < this.#next) return;
    this.#advance();
    const validation = await withWeights(trainer.model, trainer.average, () => validator.evaluate(trainer.step));
    this.#validations = [...this.#validations, validation];
    this.#tell('validation', validation);
  }

  /** Those of the run so far. */
  get validations(): readonly Validation[] {
    return this.#validations;
  }

  end(): void {
    this.#validator?.destroy();
  }

  #advance(): void {
    this.#next += Math.min(this.#next, mostBetween);
  }
}
