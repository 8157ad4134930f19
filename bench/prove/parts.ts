/** The parts of `npm run prove`, the most valuable first: what comes late is cut off first. */
import type { Part } from './part.ts';

export interface PartSpec {
  readonly name: string;
  readonly title: string;
  /** Of the budget, the most that this part may take. Together they are more than all of it: few parts need theirs. */
  readonly share: number;
  readonly load: () => Promise<Part>;
}

const step = () => import('./parts/step.ts');

/**
 * Step times of `gtzan` in every precision come within three minutes of eight, however slow a part before them is: the shares up to
 * there add up to that. By arithmetic an H100 takes half of it: a step has 35 pipelines, say 0.1 s each to compile, and parts that train
 * in another precision compile four steps, of two networks in two precisions. Each of these parts checks the network as a whole, or the
 * losses that it trains with; kernel by kernel follows, 389 pipelines and as many of matrices' 233 as there is time for.
 */
export const parts: readonly PartSpec[] = [
  { name: 'adapter', title: 'Adapter and limits', share: 0.04, load: async () => (await import('./parts/adapter.ts')).adapter },
  { name: 'golden', title: 'Golden files', share: 0.045, load: async () => (await import('./parts/verify.ts')).golden },
  { name: 'step', title: 'Training and sampling step', share: 0.11, load: async () => (await step()).usual },
  { name: 'matrix', title: 'Subgroup matrices', share: 0.105, load: async () => (await step()).matrix },
  { name: 'mixed', title: 'Mixed precision', share: 0.075, load: async () => (await step()).mixed },
  { name: 'verify', title: 'Kernels against naive and float64', share: 0.25, load: async () => (await import('./parts/verify.ts')).verify },
  { name: 'verify-matrix', title: 'Matrix kernels against naive and float64', share: 0.12, load: async () => (await import('./parts/verify.ts')).verifyMatrix },
  { name: 'tuning', title: 'Tuning', share: 0.1, load: async () => (await import('./parts/tuning.ts')).tuning },
  { name: 'tuned', title: 'The step with tuned sizes', share: 0.1, load: async () => (await step()).tuned },
  { name: 'sampling', title: '660,000 samples in 200 steps', share: 0.15, load: async () => (await import('./parts/sampling.ts')).sampling },
  { name: 'matrix-sampling', title: 'The same by subgroup matrices', share: 0.15, load: async () => (await import('./parts/sampling.ts')).matrixSampling },
  { name: 'peers', title: 'PyTorch beside it', share: 0.3, load: async () => (await import('./parts/peers.ts')).peers },
  { name: 'training', title: 'A minute of training', share: 0.25, load: async () => (await import('./parts/training.ts')).training },
  { name: 'recovery', title: 'A lost device', share: 0.1, load: async () => (await import('./parts/recovery.ts')).recovery },
];
