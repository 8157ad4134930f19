import { reverseStep } from '../ops/reverse.ts';
import { reverseStep as reverseTruth } from '../reference/reverse.ts';
import type { KernelCase } from './case.ts';
import { roundingError, times } from './case.ts';

export function reverseCase({ B, L, sigma }: { B: number; L: number; sigma: number }): KernelCase {
  const step = { inverseSqrtAlpha: 1.01, noiseCoefficient: 0.2, sigma };
  return {
    stem: 'reverse',
    name: `${times(B, L)} σ=${sigma}`,
    inputs: { x: { shape: [B, L] }, predicted: { shape: [B, L] }, noise: { shape: [B, L] } },
    runs: [step],
    record: (tape, { x, predicted, noise }) => ({ next: reverseStep(tape, { x, predicted, noise }) }),
    expected({ x, predicted, noise }) {
      const value = reverseTruth({ noisy: x, predicted, noise, ...step });
      const terms = {
        noisy: x.map(Math.abs),
        predicted: predicted.map((p) => -Math.abs(p)), // its term is subtracted
        noise: noise.map(Math.abs),
      };
      // the two constants of ε_θ's term, three products and sums
      return { next: { value, scale: reverseTruth({ ...terms, ...step }), tolerance: roundingError(6) } };
    },
  };
}

export const reverseCases: readonly KernelCase[] = [
  { B: 1, L: 1, sigma: 0.1 },
  { B: 3, L: 7, sigma: 0 },
  { B: 2, L: 65, sigma: 0.1 },
].map(reverseCase);
