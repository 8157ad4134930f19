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

export const parts: readonly PartSpec[] = [
  { name: 'adapter', title: 'Adapter and limits', share: 0.1, load: async () => (await import('./parts/adapter.ts')).adapter },
  { name: 'golden', title: 'Golden files', share: 0.15, load: async () => (await import('./parts/verify.ts')).golden },
  { name: 'verify', title: 'Kernels against naive and float64', share: 0.3, load: async () => (await import('./parts/verify.ts')).verify },
  { name: 'step', title: 'Training and sampling step', share: 0.2, load: async () => (await step()).usual },
  { name: 'tuning', title: 'Tuning', share: 0.15, load: async () => (await import('./parts/tuning.ts')).tuning },
  { name: 'tuned', title: 'The step with tuned sizes', share: 0.2, load: async () => (await step()).tuned },
  { name: 'mixed', title: 'Mixed precision', share: 0.15, load: async () => (await step()).mixed },
  { name: 'matrix', title: 'Subgroup matrices', share: 0.15, load: async () => (await step()).matrix },
  { name: 'sampling', title: '660,000 samples in 200 steps', share: 0.2, load: async () => (await import('./parts/sampling.ts')).sampling },
  { name: 'peers', title: 'PyTorch beside it', share: 0.3, load: async () => (await import('./parts/peers.ts')).peers },
  { name: 'training', title: 'A minute of training', share: 0.25, load: async () => (await import('./parts/training.ts')).training },
  { name: 'recovery', title: 'A lost device', share: 0.1, load: async () => (await import('./parts/recovery.ts')).recovery },
];
