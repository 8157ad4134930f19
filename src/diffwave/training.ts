/** The training loop: queue steps, look at the loss now and then, save now and then, stop when asked. */
import type { ClipSource } from './batches.ts';
import { BatchSource } from './batches.ts';
import type { TrainingConfig } from './config.ts';
import { learningRateAt } from './learningRate.ts';
import type { DiffWave } from './model.ts';
import { NotFiniteError, explainNotFinite, snapshotOf } from './nanHunt.ts';
import type { OptimizerState } from './trainer.ts';
import { Trainer } from './trainer.ts';

export interface Progress {
  /** Updates done. */
  readonly step: number;
  /** Mean loss of the updates since the report before (of the first update in the first report). */
  readonly loss: number;
  /** Mean norm of their gradients, before clipping. */
  readonly gradientNorm: number;
  /** Of the last of them. */
  readonly learningRate: number;
  /** Seconds of training, those before a resume included. */
  readonly seconds: number;
  readonly stepsPerSecond: number;
  /** Seconds that the rest will take at this speed, `maxSeconds` at most. */
  readonly eta: number;
}

export interface TrainOptions {
  readonly dataset: ClipSource;
  readonly training: TrainingConfig;
  /** Updates in total, those before a resume included. */
  readonly steps: number;
  /** Bytes of GPU memory that training may take, and bytes of it that the caller wants beside; see `Trainer.create`. */
  readonly memoryLimit?: number;
  readonly beside?: (L: number) => number;
  /** Stop after this many seconds even if there are steps left. */
  readonly maxSeconds?: number;
  /** Go on from a saved state. The model must have the weights of the same moment. */
  readonly resume?: OptimizerState & { readonly seconds: number };
  readonly printEvery?: number;
  readonly saveEvery?: number;
  /** Stops the loop after the step that is running. */
  readonly signal?: AbortSignal;
  /** Called once before the first step, with the plan in `trainer.plan`; training waits for it. */
  readonly onStart?: (trainer: Trainer) => unknown;
  /** Called after every update, with its work queued; the loop waits for it. Comes before a report and a save. */
  readonly onUpdate?: (trainer: Trainer) => unknown;
  readonly onProgress?: (progress: Progress) => void;
  /** Called every `saveEvery` updates and at the end, unless that has been saved already; a report comes before it. */
  readonly onSave?: (state: OptimizerState & { readonly seconds: number }) => Promise<void> | void;
}

/**
 * Trains the model in place: Adam on the loss ‖ε − ε_θ(x_t, t)‖, or ‖v − v_θ(x_t, t)‖, of random crops at random t (Ho et
 * al. 2020, algorithm 1). Batches, t and noise are functions of (seed, step), so that a resumed run is the run that was not
 * interrupted. Returns the last report. Throws a `UserError` if the sizes do not fit, and if the data, the loss or a
 * gradient is NaN; what is broken is not saved.
 */
export async function train(model: DiffWave, options: TrainOptions): Promise<Progress | undefined> {
  const { dataset, training, steps, resume, signal, memoryLimit, beside } = options;
  const { printEvery = 100, saveEvery = 1000, maxSeconds = Infinity } = options;
  const L = training.cropSamples ?? dataset.clipSamples;
  const T = model.config.diffusionSteps;
  model.trainsOn(dataset);
  const batches = new BatchSource(dataset, { ...training, B: training.batchSize, L, T });
  const trainer = await Trainer.create({ model, training, L, memoryLimit, beside });
  if (resume) trainer.restore(resume);
  const clock = performance.now() - (resume?.seconds ?? 0) * 1000;
  const elapsed = (): number => (performance.now() - clock) / 1000;
  const began = { step: trainer.step, seconds: elapsed() };
  let reported = { ...began };
  let saved = resume?.step; // a new run that is stopped before its first update is saved too: it can be resumed
  let good = await snapshotOf(trainer); // as last saved: from here the way to a NaN is walked again
  let last: Progress | undefined;
  // Reports run beside the loop, one after the other: the loop does not wait for the numbers it prints.
  let reports = Promise.resolve();
  let failure: unknown;

  const report = (): void => {
    if (trainer.step === reported.step) return;
    const now = { step: trainer.step, seconds: elapsed() };
    const since = reported;
    reported = now;
    const figures = Promise.all([trainer.losses(now.step - since.step), trainer.norms(now.step - since.step)]);
    reports = reports.then(async () => {
      const [loss, gradientNorm] = (await figures).map((values) => values.reduce((sum, value) => sum + value, 0) / values.length) as [number, number];
      const learningRate = learningRateAt(training, now.step - 1);
      const stepsPerSecond = (now.step - since.step) / Math.max(now.seconds - since.seconds, 1e-9);
      const eta = Math.min((steps - now.step) / stepsPerSecond, maxSeconds - (now.seconds - began.seconds));
      last = { ...now, loss, gradientNorm, learningRate, stepsPerSecond, eta };
      options.onProgress?.(last);
      const broken = !Number.isFinite(loss) ? `loss became ${loss}` : `norm of the gradient became ${gradientNorm}`;
      if (!Number.isFinite(loss + gradientNorm)) {
        throw new NotFiniteError(`the ${broken} between step ${since.step} and ${now.step} at learning rate ${learningRate}`);
      }
    });
    reports.catch((error: unknown) => (failure ??= error));
  };
  const save = async (): Promise<void> => {
    if (saved === trainer.step) return;
    saved = trainer.step;
    report(); // a loss that is NaN is found out before it is saved
    await reports;
    const state = await trainer.optimizerState();
    for (const [name, values] of state.m) {
      if (values.every(Number.isFinite)) continue;
      // A relu or a gate may turn NaN into a number (WGSL lets it), and then the loss does not show it.
      const learningRate = learningRateAt(training, state.step - 1);
      throw new NotFiniteError(`the gradient of '${name}' became NaN or infinite before step ${state.step} at learning rate ${learningRate}`);
    }
    good = { weights: await model.weights(), ...state };
    await options.onSave?.({ ...state, seconds: elapsed() });
  };

  try {
    await options.onStart?.(trainer);
    while (trainer.step < steps && !signal?.aborted && elapsed() - began.seconds < maxSeconds) {
      trainer.update(batches.at(trainer.step));
      await model.gpu.throttle();
      if (failure) break;
      await options.onUpdate?.(trainer);
      const first = trainer.step === began.step + 1 && trainer.step === 1;
      if (first || trainer.step % printEvery === 0) report();
      if (trainer.step % saveEvery === 0) await save();
    }
    await save();
    return last;
  } catch (error) {
    throw error instanceof NotFiniteError ? await explainNotFinite(error, { trainer, batches, from: good }) : error;
  } finally {
    trainer.destroy();
  }
}
