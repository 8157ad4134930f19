import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import { lanesFor, workgroupsFor } from './lanes.ts';

/**
 * Forward process (Ho et al. 2020, eq. 4): x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·ε. audio and noise (B, L); signalLevel √ᾱ_t and
 * noiseLevel √(1−ᾱ_t), (B), t being that of the item. Has no gradient.
 */
export function diffuse(tape: Tape, options: {
  audio: Tensor; noise: Tensor; signalLevel: Tensor; noiseLevel: Tensor;
}): Tensor {
  const { audio, noise, signalLevel, noiseLevel } = options;
  const [B, L] = audio.shape as [number, number];
  expectShape(noise, [B, L], 'diffuse noise');
  expectShape(signalLevel, [B], 'diffuse signalLevel');
  expectShape(noiseLevel, [B], 'diffuse noiseLevel');
  const noisy = tape.result('noisy', [B, L]);
  const { Lane, width } = lanesFor(L);
  const count = (B * L) / width;
  tape.record({
    kernel: { shader: 'diffuse', entry: 'forward', constants: { Lane } },
    reads: { audio, noise, signalLevel, noiseLevel },
    writes: { noisy },
    params: { count, length: L / width },
    workgroups: workgroupsFor(count),
  });
  return noisy;
}
