import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { workgroupsFor } from './lanes.ts';

/**
 * x = signalLevel·x + noiseLevel·z in the samples [coreStart, coreEnd) of a clip x (B, L), where it is: the forward
 * process (Ho et al. 2020, eq. 4). noise z (B, W) begins at `coreStart`, which is given to `run` with the rest.
 * Returns the new x.
 */
export function renoise(tape: Tape, options: { x: Tensor; noise: Tensor }): Tensor {
  return record(tape, { ...options, known: undefined });
}

/**
 * x = signalLevel·known + noiseLevel·z in the samples [coreStart, coreEnd) but those of the gap [gapStart, gapEnd): a
 * known sound (B, L) at the noise level of a step (Lugmayr et al. 2022, eq. 8a). Returns the new x.
 */
export function impose(tape: Tape, options: { x: Tensor; noise: Tensor; known: Tensor }): Tensor {
  expectShape(options.known, options.x.shape, 'impose known');
  return record(tape, options);
}

function record(tape: Tape, options: { x: Tensor; noise: Tensor; known: Tensor | undefined }): Tensor {
  const { noise, known } = options;
  const [B, L] = options.x.shape as [number, number];
  const width = noise.shape[1]!;
  expectShape(noise, [B, width], `${known ? 'impose' : 'renoise'} noise`);
  const x = tape.updated(options.x);
  tape.record({
    kernel: { shader: 'renoise', entry: known ? 'impose' : 'renoise' },
    reads: known ? { known, noise } : { noise },
    writes: { x },
    params: { items: B, length: L, width },
    step: true,
    workgroups: workgroupsFor(B * width),
  });
  return x;
}
