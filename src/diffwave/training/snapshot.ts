/** A training's state in the host's memory: what to go back to when the GPU is lost, and where to look for a NaN from. */
import type { Figures, OptimizerState, Trainer } from './trainer.ts';
import type { Weights } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import type { TrainingConfig } from './config.ts';

/** All that the following updates depend on. */
export interface Snapshot extends OptimizerState {
  readonly weights: Weights;
  /** Of the last updates, oldest first: those that nobody has looked at yet. */
  readonly figures: Figures;
}

/**
 * The state that a training begins with, without a trainer and, where the weights were written by the host, without asking the
 * GPU: a device may be lost at once.
 */
export async function firstSnapshot(model: Model, { training, resume }: {
  training: Pick<TrainingConfig, 'emaDecay'>; resume?: OptimizerState;
}): Promise<Snapshot> {
  const weights = model.parameters.written() ?? (await model.weights());
  const figures = { losses: new Float32Array(), norms: new Float32Array() };
  if (resume) return { weights, figures, step: resume.step, m: resume.m, v: resume.v, average: resume.average };
  const zeros = (): Weights => new Map([...weights].map(([name, values]) => [name, new Float32Array(values.length)]));
  return { weights, figures, step: 0, m: zeros(), v: zeros(), ...(training.emaDecay > 0 && { average: weights }) };
}

/** The state after the updates that are queued, with the figures of the last `figures` ones. Nothing may be queued meanwhile. */
export async function snapshotOf(trainer: Trainer, { figures = 0 } = {}): Promise<Snapshot> {
  return {
    weights: await trainer.model.weights(),
    ...(await trainer.optimizerState()),
    figures: await trainer.figures(figures),
  };
}

/** Takes the trainer and its model to where a snapshot was taken. */
export function restoreSnapshot(trainer: Trainer, { weights, figures, ...state }: Snapshot): void {
  const { parameters } = trainer.model;
  parameters.write(parameters.values, weights);
  trainer.restore(state, figures);
}

/** The first parameter whose gradient was NaN or infinite in some update so far: Adam's mean of it stays that. */
export function brokenGradient({ m }: OptimizerState): string | undefined {
  for (const [name, values] of m) if (!values.every(Number.isFinite)) return name;
  return undefined;
}
