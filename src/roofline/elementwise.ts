/** Everything else: a few operations per number, bound by memory. */
import { adamCase } from '../verify/cases/adam.ts';
import { addStepCase } from '../verify/cases/addStep.ts';
import type { KernelCase } from '../verify/case.ts';
import { diffuseCase } from '../verify/cases/diffuse.ts';
import { gateCase } from '../verify/cases/gate.ts';
import { guideCase } from '../verify/cases/guide.ts';
import { lossCase } from '../verify/cases/loss.ts';
import { noiseCase } from '../verify/cases/noise.ts';
import { reduceCase } from '../verify/cases/reduce.ts';
import { reluCase } from '../verify/cases/relu.ts';
import { residualCase } from '../verify/cases/residual.ts';
import { reverseCase } from '../verify/cases/reverse.ts';
import { scaleCase } from '../verify/cases/scale.ts';
import { siluCase } from '../verify/cases/silu.ts';
import { timelineCase } from '../verify/cases/timeline.ts';
import { upsampleCase } from '../verify/cases/upsample.ts';
import type { KernelBench, Shape } from './bench.ts';

/** An operation on activations (B, L, C) that reads and writes `perElement` numbers for each of them. */
function onActivations(name: string, make: (shape: Shape) => KernelCase, options: {
  perElement: number; gradients?: readonly string[];
}): KernelBench {
  return {
    name: options.gradients ? `${name} d ${options.gradients.join(', ')}` : name,
    sizes: ({ B, L, C }) => `${B}×${L}×${C}`,
    make,
    gradients: options.gradients,
    flops: () => 0,
    numbers: ({ B, L, C }) => options.perElement * B * L * C,
  };
}

const shapeOf = ({ B, L, C }: Shape): [number, number, number] => [B, L, C];

/** The work of one clip's samples, at as many samples as the activations have numbers: one clip would be too short. */
const asClip = ({ B, L, C }: Shape) => ({ B, L: L * C });

/** The second pass of the dilated convolution's weight gradient, with as many partial sums as two cores want. */
function reduction(shape: Shape): Parameters<typeof reduceCase>[0] {
  const width = shape.K * shape.C * 2 * shape.C;
  const parts = Math.min(64, shape.L);
  return { segments: 1, parts, stride: width + 2 * shape.C, offset: 0, width, accumulate: false };
}

const parameters = 2 ** 20;

const adam: KernelBench = {
  name: 'adam',
  sizes: () => `${parameters} parameters`,
  make: ({ L }) => adamCase({ count: L < 64 ? 260 : parameters, updates: 1, learningRate: 2e-4 }),
  flops: () => 0,
  numbers: () => 7 * parameters, // reads gradient, value, m and v, writes the last three
};

const reduce: KernelBench = {
  name: 'reduce',
  sizes: (shape) => `${reduction(shape).parts}×${reduction(shape).width}`,
  make: (shape) => reduceCase(reduction(shape)),
  flops: () => 0,
  numbers: (shape) => (reduction(shape).parts + 1) * reduction(shape).width,
};

/** The second stage of a spectrogram's upsampler, by 16, with results as large as the activations. */
const upsampled = ({ B, L, C }: Shape) => ({ B, F: Math.ceil(L / 16), M: C, s: 16 });

export const elementwise: readonly KernelBench[] = [
  onActivations('gate', gateCase, { perElement: 3 }),
  onActivations('gate', gateCase, { perElement: 5, gradients: ['x'] }),
  onActivations('residual', (shape) => residualCase({ ...shape, place: 'later' }), { perElement: 6 }),
  onActivations('residual', (shape) => residualCase({ ...shape, place: 'later' }), { perElement: 5, gradients: ['x', 'projected', 'skip'] }),
  onActivations('addStep', addStepCase, { perElement: 2 }),
  onActivations('addStep', addStepCase, { perElement: 1, gradients: ['step'] }),
  onActivations('relu', (shape) => reluCase(shapeOf(shape)), { perElement: 2 }),
  onActivations('relu', (shape) => reluCase(shapeOf(shape)), { perElement: 3, gradients: ['x'] }),
  onActivations('upsample', (shape) => upsampleCase(upsampled(shape)), { perElement: 1 + 1 / 16 }),
  onActivations('upsample', (shape) => upsampleCase(upsampled(shape)), { perElement: 2 + 1 / 16, gradients: ['x'] }),
  onActivations('upsample', (shape) => upsampleCase(upsampled(shape)), { perElement: 2 + 1 / 16, gradients: ['weight', 'bias'] }),
  onActivations('scale', (shape) => scaleCase({ shape: shapeOf(shape), factor: Math.SQRT1_2 }), { perElement: 2 }),
  onActivations('silu', (shape) => siluCase(shapeOf(shape)), { perElement: 2 }),
  onActivations('silu', (shape) => siluCase(shapeOf(shape)), { perElement: 3, gradients: ['x'] }),
  onActivations('noise', (shape) => noiseCase({ ...asClip(shape), seed: 7, step: 3, stream: 5, firstItem: 0 }), { perElement: 1 }),
  onActivations('diffuse', (shape) => diffuseCase(asClip(shape)), { perElement: 3 }),
  onActivations('reverse', (shape) => reverseCase(asClip(shape)), { perElement: 4 }),
  onActivations('guide', (shape) => guideCase({ shape: shapeOf(shape), w: 2.5 }), { perElement: 3 }),
  onActivations('timeline', (shape) => timelineCase({ ...shape, places: [0, shape.L - 1] }), { perElement: 1 }),
  onActivations('loss', (shape) => lossCase({ shape: shapeOf(shape), kind: 'mse' }), { perElement: 2 }),
  onActivations('loss', (shape) => lossCase({ shape: shapeOf(shape), kind: 'mse' }), { perElement: 3, gradients: ['predicted'] }),
  reduce,
  adam,
];
