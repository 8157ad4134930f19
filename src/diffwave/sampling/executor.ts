/** Moves as work for the GPU. */
import type { Prediction } from '../../ops/diffuse.ts';
import type { Level } from '../schedule/level.ts';
import { dataPrediction } from '../schedule/level.ts';
import type { Move } from './moves.ts';
import type { Sampler } from './samplers/sampler.ts';
import type { Stretch, Window } from './tiles.ts';
import type { ReverseStep, Walk } from './walk.ts';

/** Executes one move of a walk after the other. */
export function executor(options: {
  walk: Walk; sampler: Sampler; prediction: Prediction; clamp?: number; gap?: Stretch; tileDone: (tile: Window) => void;
}): (move: Move, context: { isSeen: boolean }) => Promise<void> {
  const { walk, sampler, prediction, clamp: limit, gap = [0, 0], tileDone: onTile } = options;
  let previous: Level | undefined;
  return async (move, { isSeen }) => { // whether somebody looks at x after it
    const { draw } = move;
    if (move.kind === 'denoise') {
      await walk.denoise(reverseStepOf(move, { previous, sampler, prediction, limit, onTile }));
      previous = move.from;
    } else if (move.kind === 'renoise') {
      await walk.renoise({ ...levelsOfNoise(move.to.alphaBar / move.from.alphaBar), draw });
      previous = undefined; // x̂_0 belongs to another path
    } else {
      await walk.impose({ ...levelsOfNoise(move.at.alphaBar), draw, gap, near: !isSeen });
    }
  };
}

/** The step as the walk takes it; `previous` is the level of the step before it, whose x̂_0 is kept. */
export function reverseStepOf({ from, to, draw }: Extract<Move, { kind: 'denoise' }>, { previous, sampler, prediction, limit, onTile }: {
  previous: Level | undefined; sampler: Sampler; prediction: Prediction; limit?: number; onTile: (tile: Window) => void;
}): ReverseStep {
  return { t: from.t, coefficients: { ...dataPrediction(from, prediction), ...sampler.step({ from, to, previous }) }, draw, limit, onTile };
}

function levelsOfNoise(alphaBar: number): { signalLevel: number; noiseLevel: number } {
  return { signalLevel: Math.sqrt(alphaBar), noiseLevel: Math.sqrt(1 - alphaBar) };
}
