import { conv1d } from '../../ops/conv1d.ts';
import { conv1d as conv1dTruth, conv1dBackward } from '../../reference/conv1d.ts';
import type { Expected, Given, KernelCase, Staging } from '../case.ts';
import { sums, times } from '../case.ts';

interface Shape {
  readonly B: number;
  readonly L: number;
  readonly Cin: number;
  readonly Cout: number;
  readonly K: number;
  readonly D: number;
  /** What is special about it. */
  readonly why?: string;
  readonly gradientScale?: number;
}

/** y of x, weight and bias, and the gradients; the bias and its gradient are float32 whatever the factors are staged as. */
export function convolutionTruth(given: Given, { staging, ...shape }: Shape & { staging: Staging }): Record<'y' | 'd x' | 'd weight' | 'd bias', Expected> {
  const { B, L, Cin, Cout, K } = shape;
  const factors = { x: staging.factor(given.x!), weight: staging.factor(given.weight!), 'd y': staging.gradient(given['d y']!) };
  const truth = sums({ ...given, ...factors }, ({ x, weight, bias, 'd y': dOutput }) => {
    const layer = { ...shape, input: x!, weight: weight!, bias: bias! };
    const { dInput, dWeight, dBias } = conv1dBackward({ ...layer, dOutput: dOutput! });
    return { y: conv1dTruth(layer), 'd x': dInput, 'd weight': dWeight, 'd bias': dBias };
  }, { y: K * Cin + 1, 'd x': K * Cout, 'd weight': B * L, 'd bias': B * L }, staging.additionError);
  const column = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: Cout }, (_, co) => values.reduce((sum, value, i) => (i % Cout === co ? sum + value : sum), 0));
  return { ...truth, ...sums(given, ({ 'd y': dOutput }) => ({ 'd bias': column(dOutput!) }), { 'd bias': B * L }) };
}

export function conv1dCase({ why, gradientScale, ...shape }: Shape): KernelCase {
  const { B, L, Cin, Cout, K, D } = shape;
  return {
    stem: 'conv1d',
    name: `${times(B, L, Cin)}→${Cout} K=${K} D=${D}${why ? `, ${why}` : ''}`,
    hasVariants: true,
    inputs: {
      x: { shape: [B, L, Cin], gradient: true },
      weight: { shape: [K, Cin, Cout], gradient: true },
      bias: { shape: [Cout], gradient: true },
    },
    record: (tape, { x, weight, bias }) => ({ y: conv1d(tape, { x: x!, weight: weight!, bias: bias!, dilation: D }) }),
    gradientScale,
    expected: (given, staging) => convolutionTruth(given, { ...shape, staging }),
  };
}

/** y = max(factor·x·w + bias, 0), which GPUs do in one kernel. */
function reluCase(shape: Shape & { factor?: number; xGradient?: boolean }): KernelCase {
  const { B, L, Cin, D, factor = 1, xGradient = true } = shape;
  const plain = conv1dCase({ ...shape, why: `relu${factor === 1 ? '' : `, times ${factor}`}${xGradient ? '' : ', of a fixed x'}` });
  return {
    ...plain,
    inputs: { ...plain.inputs, x: { shape: [B, L, Cin], gradient: xGradient } },
    record: (tape, { x, weight, bias }) =>
      ({ y: conv1d(tape, { x: x!, weight: weight!, bias: bias!, dilation: D, factor, activation: 'relu' }) }),
    expected(values, staging) {
      // The factor goes into the weights.
      const scaled = { ...values, weight: values.weight!.map((w) => Math.fround(factor * w)) };
      const before = plain.expected({ ...scaled, 'd y': values['d y']! }, staging).y!;
      const above = before.value.map((v) => Number(v > 0));
      const dy = values['d y']!.map((d, i) => d * above[i]!);
      const { 'd x': dx, 'd weight': dWeight, ...rest } = plain.expected({ ...scaled, 'd y': dy }, staging);
      const times = (of: Float64Array) => of.map((v) => v * factor);
      return {
        ...rest,
        y: { ...before, value: before.value.map((v, i) => v * above[i]!), tolerance: 2 * before.tolerance },
        'd weight': { value: times(dWeight!.value), scale: times(dWeight!.scale), tolerance: 2 * dWeight!.tolerance },
        ...(xGradient && { 'd x': { ...dx!, tolerance: 2 * dx!.tolerance } }),
      };
    },
  };
}

/** Two inputs, z and x, under the same weights: their gradients in the weights add up. */
function sharedCase(shape: Shape): KernelCase {
  const one = conv1dCase({ ...shape, why: 'the same weights for two inputs' });
  const { B, L, Cin } = shape;
  return {
    ...one,
    inputs: { ...one.inputs, z: { shape: [B, L, Cin], gradient: true } },
    record: (tape, { x, z, weight, bias }) => {
      const affine = { weight: weight!, bias: bias!, dilation: shape.D };
      return { y: conv1d(tape, { x: x!, ...affine }), u: conv1d(tape, { x: z!, ...affine }) };
    },
    expected(given, staging) {
      const [y, u] = [one.expected(given, staging), one.expected({ ...given, x: given.z!, 'd y': given['d u']! }, staging)];
      const both = (name: string): Expected => ({
        value: y[name]!.value.map((v, i) => v + u[name]!.value[i]!),
        scale: y[name]!.scale.map((v, i) => v + u[name]!.scale[i]!),
        tolerance: 2 * y[name]!.tolerance,
      });
      return { y: y.y!, u: u.y!, 'd x': y['d x']!, 'd z': u['d x']!, 'd weight': both('d weight'), 'd bias': both('d bias') };
    },
  };
}

/**
 * Scalars and vectors along both channels, every K, and every way in which a clip ends before a tap does. Only where
 * both channels are vectors do other variants have kernels; these share sizes, as each costs a second to compile.
 */
export const conv1dCases: readonly KernelCase[] = [
  sharedCase({ B: 2, L: 67, Cin: 4, Cout: 8, K: 1, D: 1 }),
  reluCase({ B: 2, L: 65, Cin: 8, Cout: 8, K: 1, D: 1, factor: 0.3125 }),
  reluCase({ B: 2, L: 5, Cin: 4, Cout: 36, K: 3, D: 8, factor: 0.3125 }),
  reluCase({ B: 1, L: 63, Cin: 1, Cout: 5, K: 1, D: 1 }),
  reluCase({ B: 1, L: 65, Cin: 1, Cout: 8, K: 1, D: 1, xGradient: false }),
  ...[
    { B: 1, L: 1, Cin: 1, Cout: 1, K: 1, D: 1 },
    { B: 1, L: 1, Cin: 1, Cout: 3, K: 3, D: 1, why: 'only the middle tap' },
    { B: 2, L: 7, Cin: 3, Cout: 5, K: 3, D: 2 },
    { B: 3, L: 5, Cin: 1, Cout: 2, K: 3, D: 8, why: 'dilation longer than the clip' },
    { B: 3, L: 5, Cin: 8, Cout: 16, K: 3, D: 4, why: 'outer taps meet one sample' },
    { B: 1, L: 11, Cin: 2, Cout: 1, K: 5, D: 3 },
    { B: 2, L: 11, Cin: 3, Cout: 12, K: 5, D: 2 },
    { B: 2, L: 3, Cin: 7, Cout: 2, K: 7, D: 1, why: 'kernel longer than the clip' },
    { B: 2, L: 9, Cin: 2, Cout: 4, K: 7, D: 1 },
    { B: 2, L: 13, Cin: 5, Cout: 7, K: 1, D: 4, why: 'a dilation without effect' },
    { B: 1, L: 63, Cin: 4, Cout: 4, K: 1, D: 1 },
    { B: 1, L: 64, Cin: 12, Cout: 1, K: 1, D: 1 },
    { B: 1, L: 65, Cin: 1, Cout: 8, K: 3, D: 1, why: 'one row more than a partial sum has' },
    { B: 2, L: 37, Cin: 64, Cout: 128, K: 3, D: 16, why: 'partial sums across clips' },
    { B: 1, L: 67, Cin: 64, Cout: 7, K: 3, D: 512 },
    { B: 2, L: 17, Cin: 20, Cout: 36, K: 3, D: 5, why: 'odd numbers of vectors, small gradients', gradientScale: 2 ** 20 },
    { B: 1, L: 17, Cin: 88, Cout: 68, K: 3, D: 2, why: 'slices of weights in twos, and one left' },
    { B: 2, L: 2053, Cin: 1, Cout: 1, K: 3, D: 1024, why: 'longer partial sums' },
    { B: 1, L: 4159, Cin: 8, Cout: 16, K: 3, D: 31, why: 'longer partial sums' },
  ].map(conv1dCase),
];
