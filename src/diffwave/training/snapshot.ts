/** A training's state in the host's memory: what to go back to when the GPU is lost, and where to look for a NaN from. */
import type { Figures, OptimizerState, Trainer } from './trainer.ts';
import type { Weights } from '../model/contract.ts';

/** All that the following updates depend on. */
export interface Snapshot extends OptimizerState {
  readonly weights: Weights;
  /** Of the last updates, oldest first: those that nobody has looked at yet. */
  readonly figures: Figures;
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
