/** A training's state in the host's memory: what to go back to when the GPU is lost, and where to look for a NaN from. */
import type { OptimizerState, Trainer } from './trainer.ts';
import type { Weights } from './weights.ts';

/** All that the following updates depend on. */
export interface Snapshot extends OptimizerState {
  readonly weights: Weights;
  /** Of the last updates, oldest first: those that nobody has looked at yet. */
  readonly losses: Float32Array;
}

/** The state after the updates that are queued, with the losses of the last `losses` ones. Nothing may be queued meanwhile. */
export async function snapshotOf(trainer: Trainer, { losses = 0 } = {}): Promise<Snapshot> {
  return {
    weights: await trainer.model.weights(),
    ...(await trainer.optimizerState()),
    losses: await trainer.losses(losses),
  };
}

/** Takes the trainer and its model to where a snapshot was taken. */
export function restoreSnapshot(trainer: Trainer, { weights, losses, ...state }: Snapshot): void {
  const { parameters } = trainer.model;
  parameters.write(parameters.values, weights);
  trainer.restore(state, { losses });
}

/** The first parameter whose gradient was NaN or infinite in some update so far: Adam's mean of it stays that. */
export function brokenGradient({ m }: OptimizerState): string | undefined {
  for (const [name, values] of m) if (!values.every(Number.isFinite)) return name;
  return undefined;
}
