/** Which diffusion step t an item of a batch is trained at: a function of (seed, step, item). */
import { uniform } from '../../random.ts';
import { streams } from '../streams.ts';

export interface TimestepPlace {
  readonly seed: number;
  readonly step: number; // training step
  readonly item: number; // of the batch
  readonly B: number;
  readonly T: number;
}

/** t from 0 to T − 1, each as likely as every other, independent of all other draws (Ho et al. 2020, algorithm 1). */
export function uniformTimestep({ seed, step, item, T }: TimestepPlace): number {
  return Math.floor(uniform({ seed, stream: streams.timestep, step, item, index: 0 }) * T);
}

/**
 * t from 0 to T − 1 out of a low-discrepancy sequence that runs through the batch and on through time: any 2^k items
 * in a row that begin at a multiple of 2^k have one in each 2^k-th of the steps, so that batches and windows of the loss
 * curve see all of them alike. The one-dimensional sequence of Sobol (1967), which is van der Corput's, moved round by
 * a random amount (Cranley and Patterson 1976), by which every t is as likely as every other. Kingma et al. 2021
 * ("Variational diffusion models", appendix I) stratify over the batch; this does so over time, too.
 */
export function stratifiedTimestep({ seed, step, item, B, T }: TimestepPlace): number {
  const shift = uniform({ seed, stream: streams.timestep, step: 0, item: 0, index: 0 });
  return Math.floor(((radicalInverse(step * B + item) + shift) % 1) * T);
}

/** The binary digits of n mod 2^32 mirrored at the point: 1 → 0.1, 2 → 0.01, 3 → 0.11 in binary. */
function radicalInverse(n: number): number {
  let bits = n >>> 0;
  let result = 0;
  for (let digit = 0.5; bits > 0; digit /= 2, bits >>>= 1) result += digit * (bits & 1);
  return result;
}
