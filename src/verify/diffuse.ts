import { diffuse } from '../ops/diffuse.ts';
import { diffuse as diffuseTruth } from '../reference/diffuse.ts';
import type { KernelCase } from './case.ts';
import { sums, times } from './case.ts';

export function diffuseCase({ B, L }: { B: number; L: number }): KernelCase {
  return {
    stem: 'diffuse',
    name: times(B, L),
    inputs: {
      audio: { shape: [B, L] },
      noise: { shape: [B, L] },
      signalLevel: { shape: [B], edges: [1] },
      noiseLevel: { shape: [B], edges: [0] },
    },
    record: (tape, { audio, noise, signalLevel, noiseLevel }) =>
      ({ noisy: diffuse(tape, { audio, noise, signalLevel, noiseLevel }) }),
    expected: (given) => sums(
      given,
      ({ audio, noise, signalLevel, noiseLevel }) =>
        ({ noisy: diffuseTruth({ audio, noise, signalLevel, noiseLevel, B, L }) }),
      { noisy: 2 },
    ),
  };
}

export const diffuseCases: readonly KernelCase[] = [
  { B: 1, L: 1 },
  { B: 3, L: 7 },
  { B: 2, L: 65 },
  { B: 1, L: 64 },
].map(diffuseCase);
