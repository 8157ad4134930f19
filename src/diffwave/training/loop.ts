/**
 * The training loop: queue steps, look at the loss now and then, save now and then, stop when asked, go on when the GPU
 * is lost.
 */
import { UserError } from '../../errors.ts';
import { counters } from '../../random.ts';
import type { Ranks } from '../../ranks.ts';
import { alone } from '../../ranks.ts';
import type { Gpu } from '../../gpu/device/gpu.ts';
import type { DeviceLostError } from '../../gpu/device/opened.ts';
import type { ClipSource } from '../data/clips.ts';
import { BatchSource } from './batches.ts';
import type { TrainingConfig } from './config.ts';
import { learningRateAt, trainingOver } from './learningRate.ts';
import type { Loss } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import { NotFiniteError, explainNotFinite } from './nanHunt.ts';
import type { LossReport } from './recentLoss.ts';
import { enoughUpdates, recentLoss } from './recentLoss.ts';
import type { Snapshot } from './snapshot.ts';
import { brokenGradient, firstSnapshot, restoreSnapshot, snapshotOf } from './snapshot.ts';
import type { MemoryChoice } from './step.ts';
import type { OptimizerState } from './trainer.ts';
import { Trainer } from './trainer.ts';

export interface Progress {
  /** Updates done. */
  readonly step: number;
  /** Mean loss of the updates since the report before (of the first update in the first report). */
  readonly loss: number;
  /** Mean loss of enough of the newest updates to mean something, and of how many: see `recentLoss`. */
  readonly recent: { readonly loss: number; readonly updates: number };
  /** Mean norm of their gradients, before clipping. */
  readonly gradientNorm: number;
  /** Of the last of them. */
  readonly learningRate: number;
  /** Seconds of training, those before a resume included. */
  readonly seconds: number;
  readonly stepsPerSecond: number;
  /** Seconds that the rest will take at this speed, `maxSeconds` at most. */
  readonly eta: number;
  /** Where several ranks train together, the share of the time since the report before in which this one waited for others. */
  readonly waiting?: number;
}

/** The GPU was lost and is there again. */
export interface Recovery {
  /** Updates that had been queued when it was lost. */
  readonly step: number;
  /** Updates that are done: the last snapshot's. Those after it are done again. */
  readonly resumedFrom: number;
  /** What the driver said. */
  readonly reason: string;
  /** Seconds of training so far, as in `Progress`. */
  readonly seconds: number;
}

/** A device that is lost so often, with no snapshot in between, is lost by what it is asked to do. */
const mostLosses = 3;

export interface TrainOptions {
  readonly dataset: ClipSource;
  readonly training: TrainingConfig;
  /** In place of the model's, which is DiffWave's mean of squares or absolute values. */
  readonly loss?: Loss;
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
  /** Updates between two snapshots in the host's memory, which a lost GPU goes on from; each save is one, too. */
  readonly snapshotEvery?: number;
  /** Stops the loop after the step that is running; where several ranks train together, all of them at the same step. */
  readonly signal?: AbortSignal;
  /**
   * Ranks that train together. Each of them calls `train` with the same options and the same weights, gets the same reports at the
   * same time and has the same weights afterwards. `training.parts` says what they share.
   */
  readonly ranks?: Ranks;
  /**
   * Called before the first step, with the plan in `trainer.plan`; training waits for it. Called again if the GPU was lost
   * meanwhile.
   */
  readonly onStart?: (trainer: Trainer) => unknown;
  /**
   * Called after every update, with its work queued; the loop waits for it. Comes before a report and a save. Not called
   * for an update that is done again after the GPU was lost.
   */
  readonly onUpdate?: (trainer: Trainer) => unknown;
  readonly onProgress?: (progress: Progress) => void;
  /** Called every `saveEvery` updates and at the end, unless that has been saved already; a report comes before it. */
  readonly onSave?: (state: OptimizerState & { readonly seconds: number }) => Promise<void> | void;
  /**
   * Called when the model and a new trainer are on a new device, before training goes on, which waits for it. What else
   * was on the old device is gone.
   */
  readonly onRecovery?: (trainer: Trainer, recovery: Recovery) => unknown;
}

/**
 * Trains the model in place: Adam on the loss ‖ε − ε_θ(x_t, t)‖, or ‖v − v_θ(x_t, t)‖, of random crops at random t (Ho et
 * al. 2020, algorithm 1). Batches, t and noise are functions of (seed, step), so that a resumed run is the run that was not
 * interrupted, and so is one whose GPU was lost: it goes on from the last snapshot on a new device. Returns the last
 * report. Throws a `UserError` if the sizes do not fit, if the data, the loss or a gradient is NaN (what is broken is not
 * saved), and if the GPU is lost again and again; among several ranks, if it is lost once.
 */
export async function train(model: Model, options: TrainOptions): Promise<Progress | undefined> {
  const { dataset, steps, resume, signal, loss: ownLoss, memoryLimit, beside, ranks = alone } = options;
  const { printEvery = 100, saveEvery = 1000, snapshotEvery = 500, maxSeconds = Infinity } = options;
  const training = trainingOver(steps, options.training);
  const L = training.cropSamples ?? dataset.clipSamples;
  const T = model.diffusion.diffusionSteps;
  if (!Number.isSafeInteger(steps) || steps > counters) {
    throw new UserError(`\`steps\` must be a whole number up to ${counters}: after that the random numbers of the first update would come again`);
  }
  model.trainsOn(dataset);
  const batches = new BatchSource(dataset, { ...training, shaping: model.shaping, conditioning: model.network.conditioning, B: training.batchSize, L, T });
  let good = await firstSnapshot(model, { training, resume }); // a lost GPU goes on from here, and the way to a NaN is walked again from here
  let trainer!: Trainer; // once `begin` has made it
  const clock = performance.now() - (resume?.seconds ?? 0) * 1000;
  const elapsed = (): number => (performance.now() - clock) / 1000;
  const began = { step: good.step, seconds: elapsed() };
  let reported = { ...began, waited: 0 };
  let updated = began.step; // `onUpdate` knows of these
  let saved = resume?.step; // a new run that is stopped before its first update is saved too: it can be resumed
  let timesLost = 0; // the GPU, since the last snapshot
  let started = false;
  let last: Progress | undefined;
  const told: LossReport[] = []; // the newest reports: enough for their recent loss, whose first one tells where the second begins
  // Reports run beside the loop, one after the other: the loop does not wait for the numbers it prints.
  let reports = Promise.resolve();
  /** Resolves when nothing is being read for reports any more. */
  let reading = Promise.resolve();
  let failure: unknown;

  /** A trainer where the last snapshot was taken. */
  const begin = async (memory?: MemoryChoice): Promise<void> => {
    trainer = await Trainer.create({ model, training, loss: ownLoss, L, memoryLimit, beside, memory, ranks });
    restoreSnapshot(trainer, good);
  };
  const report = (): void => {
    if (trainer.step <= reported.step) return; // an update that is done again was reported then
    const now = { step: trainer.step, seconds: elapsed(), waited: trainer.shared.waited };
    const since = reported;
    reported = now;
    const figures = trainer.figures(now.step - since.step);
    // The report before it may fail first, and then no report waits for these.
    reading = Promise.allSettled([reading, figures]).then(() => undefined);
    reports = reports.then(async () => {
      const { losses, norms } = await figures;
      const [loss, gradientNorm] = [mean(losses), mean(norms)];
      const learningRate = learningRateAt(training, now.step - 1);
      const stepsPerSecond = (now.step - since.step) / Math.max(now.seconds - since.seconds, 1e-9);
      const eta = Math.min((steps - now.step) / stepsPerSecond, maxSeconds - (now.seconds - began.seconds));
      told.push({ step: now.step, loss });
      if (told.length > enoughUpdates + 1) told.shift();
      const recent = recentLoss(told, began.step);
      const waiting = (now.waited - since.waited) / Math.max(now.seconds - since.seconds, 1e-9);
      last = {
        step: now.step, seconds: now.seconds, loss, recent, gradientNorm, learningRate, stepsPerSecond, eta,
        ...(ranks.size > 1 && { waiting }),
      };
      options.onProgress?.(last);
      const broken = !Number.isFinite(loss) ? `loss became ${loss}` : `norm of the gradient became ${gradientNorm}`;
      if (!Number.isFinite(loss + gradientNorm)) {
        throw new NotFiniteError(`the ${broken} between step ${since.step} and ${now.step} at learning rate ${learningRate}`);
      }
    });
    reports.catch((error: unknown) => (failure ??= error));
  };
  /** The state now. Throws a `NotFiniteError` if it is broken. */
  const snapshot = async (): Promise<Snapshot> => {
    await reports; // a loss that is NaN is found out before its weights are kept
    const state = await snapshotOf(trainer, { figures: trainer.step - reported.step });
    const name = brokenGradient(state);
    // A relu or a gate may turn NaN into a number (WGSL lets it), and then the loss does not show it.
    if (name === undefined) return state;
    const learningRate = learningRateAt(training, state.step - 1);
    throw new NotFiniteError(`the gradient of '${name}' became NaN or infinite before step ${state.step} at learning rate ${learningRate}`);
  };
  const keep = (state: Snapshot): void => {
    good = state;
    timesLost = 0;
  };
  const store = async ({ weights, figures, ...state }: Snapshot): Promise<void> => {
    await options.onSave?.({ ...state, seconds: elapsed() });
    saved = state.step;
  };
  const save = async (): Promise<void> => {
    if (saved === trainer.step) return;
    report();
    const state = await snapshot();
    await store(state);
    keep(state);
  };
  const wantsToStop = (): boolean => signal?.aborted === true || elapsed() - began.seconds >= maxSeconds;
  const loop = async (): Promise<void> => {
    if (!started) await options.onStart?.(trainer);
    started = true;
    while (trainer.step < steps && !(ranks.size === 1 ? wantsToStop() : trainer.shared.stop)) {
      await trainer.update(batches.at(trainer.step), { stop: wantsToStop() });
      await model.gpu.throttle();
      if (failure) break;
      if (trainer.step > updated) await options.onUpdate?.(trainer);
      updated = Math.max(updated, trainer.step);
      const first = trainer.step === began.step + 1 && trainer.step === 1;
      if (first || trainer.step % printEvery === 0) report();
      if (ranks.size > 1) await reports; // what ends one of them ends all at the same step
      if (trainer.step % saveEvery === 0) await save();
      if (trainer.step % snapshotEvery === 0 && good.step !== trainer.step) keep(await snapshot());
    }
    await save();
  };
  /** A trainer where the last snapshot was taken, on a new device. */
  const renew = async (memory?: MemoryChoice): Promise<Trainer> => {
    await model.gpu.recover();
    model.restore(good.weights);
    await begin(memory);
    return trainer;
  };
  /** Goes back to the last snapshot, on a new device. */
  const recover = async ({ reason }: DeviceLostError): Promise<void> => {
    const lost = trainer as Trainer | undefined; // none if it was lost while the first one was made
    await reports.catch(() => undefined); // the numbers that they wait for are gone
    await reading;
    await renew(lost?.memory.choice);
    reported = { ...(last ?? began), waited: 0 };
    reports = Promise.resolve();
    failure = undefined;
    await options.onRecovery?.(trainer, { step: lost?.step ?? good.step, resumedFrom: good.step, reason, seconds: elapsed() });
  };
  /** Saves what the host's memory has and the disk has not, if that is possible; says what to do then. */
  const giveUp = async ({ reason }: DeviceLostError): Promise<UserError> => {
    if (saved !== good.step) {
      await model.gpu.recover()
        .then(() => model.restore(good.weights))
        .then(() => store(good))
        .catch(() => undefined); // then an older checkpoint has to do
    }
    const remedy = saved === undefined ? 'there is no checkpoint: start again' : `go on from the checkpoint of step ${saved} with \`resume\``;
    return new UserError(
      `the GPU was lost ${timesLost} times in a row after step ${good.step} (${reason}): ${remedy}; if it happens again, ` +
      'update its driver, or use a smaller `batchSize`, shorter `cropSamples` or another GPU',
    );
  };

  try {
    let loss = await lossDuring(model.gpu, async () => {
      await begin();
      await loop();
    });
    while (loss) {
      const before = loss;
      if (ranks.size > 1) throw new UserError(`rank ${ranks.rank}: the GPU was lost (${before.reason}): go on from the checkpoint of step ${saved ?? 0} with \`resume\``);
      if (++timesLost >= mostLosses) throw await giveUp(before);
      loss = await lossDuring(model.gpu, async () => {
        await recover(before);
        await loop();
      });
    }
    return last;
  } catch (error) {
    if (!(error instanceof NotFiniteError)) throw error;
    const { choice } = trainer.memory;
    throw await explainNotFinite(error, { trainer, batches, from: good, saved, renew: ranks.size === 1 ? () => renew(choice) : undefined });
  } finally {
    await reports.catch(() => undefined); // it was thrown
    await reading;
    (trainer as Trainer | undefined)?.destroy();
  }
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Runs `body`. Resolves to the loss of the GPU if that ended it. */
async function lossDuring(gpu: Gpu, body: () => Promise<void>): Promise<DeviceLostError | undefined> {
  try {
    await body();
    return undefined;
  } catch (error) {
    const loss = await gpu.lossBehind(error);
    if (!loss) throw error;
    return loss;
  }
}
