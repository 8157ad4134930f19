import type { Tensor } from '../../autograd/tensor.ts';
import { diffuse, diffuseWithTarget } from '../../ops/diffuse.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import { diffuse as diffuseTruth, velocity } from '../../reference/diffuse.ts';
import type { Given, KernelCase } from '../case.ts';
import { roundingError, sums, times } from '../case.ts';

export function diffuseCase({ B, L, prediction = 'epsilon' }: { B: number; L: number; prediction?: Prediction }): KernelCase {
  const noisyOf = ({ audio, noise, signalLevel, noiseLevel }: Given) =>
    ({ noisy: diffuseTruth({ audio: audio!, noise: noise!, signalLevel: signalLevel!, noiseLevel: noiseLevel!, B, L }) });
  return {
    stem: 'diffuse',
    name: `${times(B, L)}${prediction === 'v' ? ', with v' : ''}`,
    inputs: {
      audio: { shape: [B, L] },
      noise: { shape: [B, L] },
      signalLevel: { shape: [B], edges: [1] },
      noiseLevel: { shape: [B], edges: [0] },
    },
    record: (tape, { audio, noise, signalLevel, noiseLevel }): Record<string, Tensor> => {
      const inputs = { audio: audio!, noise: noise!, signalLevel: signalLevel!, noiseLevel: noiseLevel! };
      if (prediction === 'epsilon') return { noisy: diffuse(tape, inputs) };
      const { noisy, wanted } = diffuseWithTarget(tape, { ...inputs, prediction });
      return { noisy, velocity: wanted };
    },
    expected(given) {
      const noisy = sums(given, noisyOf, { noisy: 2 });
      if (prediction === 'epsilon') return noisy;
      const { audio, noise, signalLevel, noiseLevel } = given;
      const value = velocity({ audio: audio!, noise: noise!, signalLevel: signalLevel!, noiseLevel: noiseLevel!, B, L });
      // The same two products as in x_t, of each other's factors, and so the scale of x_t with these exchanged.
      const { noisy: { scale } } = sums({ ...given, audio: noise!, noise: audio! }, noisyOf, { noisy: 2 });
      return { ...noisy, velocity: { value, scale, tolerance: roundingError(2) } };
    },
  };
}

export const diffuseCases: readonly KernelCase[] = [
  { B: 1, L: 1 },
  { B: 3, L: 7 },
  { B: 2, L: 65 },
  { B: 1, L: 64 },
  { B: 3, L: 7, prediction: 'v' as const },
  { B: 2, L: 65, prediction: 'v' as const },
  { B: 3, L: 68, prediction: 'v' as const }, // four at a time, in more than one workgroup
].map(diffuseCase);
