import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * Reverse step (Ho et al. 2020, algorithm 2): x_{t−1} = (x_t − β_t/√(1−ᾱ_t)·ε_θ)/√α_t + σ_t·z, updating x where it is.
 * All (B, L). `inverseSqrtAlpha`, `noiseCoefficient` and `sigma` are given to `run`. Returns the new x.
 */
export function reverseStep(tape: Tape, options: { x: Tensor; predicted: Tensor; noise: Tensor }): Tensor {
  const { predicted, noise } = options;
  expectShape(predicted, options.x.shape, 'reverseStep predicted');
  expectShape(noise, options.x.shape, 'reverseStep noise');
  const x = tape.updated(options.x);
  const { Lane, width } = lanesFor(x.length);
  const count = x.length / width;
  tape.record({
    kernel: { shader: 'reverse', entry: 'forward', constants: { Lane } },
    reads: { predicted, noise },
    writes: { x },
    params: { count },
    step: true,
    workgroups: workgroupsFor(count),
  });
  return x;
}
