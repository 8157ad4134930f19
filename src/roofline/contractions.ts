/** Convolutions, the residual layer that is made of them, and linear layers: bound by arithmetic. */
import { conv1dCase } from '../verify/cases/conv1d.ts';
import { linearCase } from '../verify/cases/linear.ts';
import { residualLayerCase } from '../verify/cases/residualLayer.ts';
import { convolutionFlops } from './flops.ts';
import type { KernelBench, Shape } from './bench.ts';

/** The convolution of C to 2C channels that a residual layer begins or, with one tap, ends with. */
function convolution(name: string, taps: (shape: Shape) => { K: number; D: number }, gradient?: string): KernelBench {
  const weights = (shape: Shape) => ({ K: taps(shape).K, Cin: shape.C, Cout: 2 * shape.C });
  return {
    name: gradient ? `${name} d ${gradient}` : name,
    sizes: (shape) => `${shape.B}×${shape.L}×${shape.C}→${2 * shape.C} K=${taps(shape).K} D=${taps(shape).D}`,
    make: (shape) => conv1dCase({ ...shape, ...weights(shape), ...taps(shape) }),
    gradients: gradient ? [gradient] : undefined,
    flops: (shape) => shape.B * shape.L * convolutionFlops(weights(shape)),
    numbers: ({ B, L, C, ...shape }) => 3 * B * L * C + taps({ B, L, C, ...shape }).K * 2 * C * C,
  };
}

const dilated = ({ K, D }: Shape) => ({ K, D });
const pointwise = () => ({ K: 1, D: 1 });

const layerGradients = ['x', 'step', 'dilatedWeight', 'dilatedBias', 'projectionWeight', 'projectionBias', 'skip'];

function layer(gradients?: readonly string[], condition?: 'item' | 'sample'): KernelBench {
  const times = gradients ? 2 : 1; // each contraction has two gradients
  return {
    name: `residualLayer${condition ? ` told by ${condition}` : ''}${gradients ? ' d all' : ''}`,
    sizes: ({ B, L, C, K, D }) => `${B}×${L}×${C} K=${K} D=${D}`,
    make: (shape) => residualLayerCase({ ...shape, place: 'later', condition }),
    gradients: condition && gradients ? [...gradients, 'condition'] : gradients,
    flops: ({ B, L, C, K }) => times * B * L * convolutionFlops({ K: K + 1, Cin: C, Cout: 2 * C }),
    // of each sample's own condition forward reads 2C; its gradient is one that backward has anyway
    // forward: x, skip and its new value, output, and σ | tanh for later; backward: those saved, x, and four gradients
    numbers: ({ B, L, C, K }) => (gradients ? 8 : condition === 'sample' ? 8 : 6) * B * L * C + times * (K + 1) * 2 * C * C,
  };
}

/** The step embedding's second layer. */
const embedding = { B: 4, Cin: 512, Cout: 512 };

function dense(gradients?: readonly string[]): KernelBench {
  const { B, Cin, Cout } = embedding;
  const times = gradients ? 2 : 1;
  return {
    name: gradients ? 'linear d all' : 'linear',
    sizes: () => `${B}×${Cin}→${Cout}`,
    make: ({ L }) => linearCase({ ...embedding, Cin: Math.min(Cin, L), Cout: Math.min(Cout, L) & ~3 }),
    gradients,
    flops: () => times * 2 * B * Cin * Cout,
    numbers: () => times * Cin * Cout + B * (Cin + Cout),
  };
}

export const contractions: readonly KernelBench[] = [
  convolution('conv1d', dilated),
  convolution('conv1d', dilated, 'x'),
  convolution('conv1d', dilated, 'weight'),
  convolution('conv1d 1×1', pointwise),
  convolution('conv1d 1×1', pointwise, 'x'),
  convolution('conv1d 1×1', pointwise, 'weight'),
  layer(),
  layer(layerGradients),
  ...(['item', 'sample'] as const).flatMap((condition) => [layer(undefined, condition), layer(layerGradients, condition)]),
  dense(),
  dense(['x', 'weight', 'bias']),
];
