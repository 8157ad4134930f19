import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import type { Values } from '../gpu/program/dispatch.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/** What a step of any of the samplers is made of. */
export interface ReverseCoefficients {
  readonly fromX: number; // x̂_0 = fromX·x_t + fromOutput·output
  readonly fromOutput: number;
  readonly ofX: number; // x_s = ofX·x_t + ofX0·x̂_0 + ofNoise·z + ofPrevious·x̂_0 of the step before
  readonly ofX0: number;
  readonly ofNoise: number;
  readonly ofPrevious: number;
}

/** Where there is no limit to x̂_0: nearly the largest float32. */
const unlimited = 3e38;

/**
 * One reverse step on the core of a tile, updating the clip x (B, L) where it is: output (B, W) of the network from
 * `windowStart`, noise (B, W) from `coreStart`. The coefficients are given to `run`, see `reverseValues`. With
 * `previous` (B, L) that holds x̂_0 of the step before, and afterwards this step's. `inFours` says that every window begins and
 * ends at multiples of four samples, and so does its core. Returns the new x.
 */
export function reverseStep(tape: Tape, options: { x: Tensor; output: Tensor; noise: Tensor; previous?: Tensor; inFours?: boolean }): Tensor {
  const { output, noise } = options;
  const [B, L] = options.x.shape as [number, number];
  const width = output.shape[1]!;
  expectShape(output, [B, width], 'reverseStep output');
  expectShape(noise, [B, width], 'reverseStep noise');
  if (options.previous) expectShape(options.previous, [B, L], 'reverseStep previous');
  const x = tape.updated(options.x);
  const lanes = options.inFours ? lanesFor(L, width) : lanesFor(1);
  tape.record({
    kernel: { shader: 'reverse', entry: 'forward', constants: { HISTORY: options.previous ? 1 : 0, Lane: lanes.Lane, WIDTH: lanes.width } },
    reads: { output, noise },
    writes: options.previous ? { x, previous: tape.updated(options.previous) } : { x },
    params: { items: B, length: L / lanes.width, width: width / lanes.width },
    step: true,
    workgroups: workgroupsFor((B * width) / lanes.width),
  });
  return x;
}

/** Whether places in the clip are such that four samples at a time never cross them. */
export function areInFours(...places: readonly number[]): boolean {
  return places.every((place) => place % 4 === 0);
}

/** The step uniform of `reverseStep`, the window's place aside; |x̂_0| is clamped to `limit` where one is given. */
export function reverseValues(coefficients: ReverseCoefficients, limit = unlimited): Values {
  return { ...coefficients, limit };
}
