import { linear } from '../../ops/linear.ts';
import { linear as linearTruth, linearBackward } from '../../reference/linear.ts';
import { sigmoid, siluSlope } from '../../reference/silu.ts';
import type { Approx } from '../approx.ts';
import { bilinear, expectedOf, given, linear as linearBound, product, smooth, sum } from '../approx.ts';
import type { KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';
import { sigmoidError } from './silu.ts';

interface Sizes {
  readonly B: number;
  readonly Cin: number;
  readonly Cout: number;
  /** The bias is no parameter, as where rows of a table are looked up. */
  readonly fixedBias?: boolean;
}

export function linearCase({ B, Cin, Cout, fixedBias = false }: Sizes): KernelCase {
  return {
    stem: 'linear',
    hasVariants: true,
    name: `${times(B, Cin)}→${Cout}${fixedBias ? ', bias as it is' : ''}`,
    inputs: {
      x: { shape: [B, Cin], gradient: true },
      weight: { shape: [Cin, Cout], gradient: true },
      bias: { shape: [Cout], gradient: !fixedBias },
    },
    record: (tape, { x, weight, bias }) => ({ y: linear(tape, { x: x!, weight: weight!, bias: bias! }) }),
    expected: (given) => sums(
      given,
      ({ x, weight, bias, 'd y': dOutput }) => {
        const layer = { input: x!, weight: weight!, bias: bias!, B, Cin, Cout };
        const { dInput, dWeight, dBias } = linearBackward({ ...layer, dOutput: dOutput! });
        return { y: linearTruth(layer), 'd x': dInput, 'd weight': dWeight, 'd bias': dBias };
      },
      { y: Cin + 1, 'd x': Cout, 'd weight': B, ...(!fixedBias && { 'd bias': B }) } as Record<'y' | 'd x' | 'd weight' | 'd bias', number>,
    ),
  };
}

/** y = silu(v) with v = x·w + bias, in one kernel on GPUs. */
export function siluLinearCase({ B, Cin, Cout }: Sizes): KernelCase {
  const sizes = { B, Cin, Cout };
  const noInput = new Float64Array(B * Cin);
  const noWeight = new Float64Array(Cin * Cout);
  const noBias = new Float64Array(Cout);
  const plain = linearCase(sizes);
  return {
    ...plain,
    name: `${plain.name}, silu`,
    record: (tape, { x, weight, bias }) =>
      ({ y: linear(tape, { x: x!, weight: weight!, bias: bias!, activation: 'silu' }) }),
    expected(values) {
      const [x, weight, bias, dy] = ['x', 'weight', 'bias', 'd y'].map((name) => given(values[name]!)) as [Approx, Approx, Approx, Approx];
      const v = sum(bilinear((input, w) => linearTruth({ input, weight: w, bias: noBias, ...sizes }), { a: x, b: weight, terms: Cin }), bias);
      const largest = v.value.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const y = smooth((value) => value * sigmoid(value), { a: v, slope: 1.1, error: (1 + largest) * sigmoidError });
      const dv = product(dy, smooth(siluSlope, { a: v, slope: 0.5, error: 3 * (1 + largest) * sigmoidError }));
      const back = (of: 'dInput' | 'dWeight' | 'dBias', operands: { input?: Float64Array; weight?: Float64Array; dOutput: Float64Array }) =>
        linearBackward({ input: noInput, weight: noWeight, bias: noBias, ...sizes, ...operands })[of];
      return {
        y: expectedOf(y),
        'd x': expectedOf(bilinear((dOutput, w) => back('dInput', { weight: w, dOutput }), { a: dv, b: weight, terms: Cout })),
        'd weight': expectedOf(bilinear((input, dOutput) => back('dWeight', { input, dOutput }), { a: x, b: dv, terms: B })),
        'd bias': expectedOf(linearBound((dOutput) => back('dBias', { dOutput }), { a: dv, terms: B })),
      };
    },
  };
}

export const linearCases: readonly KernelCase[] = [
  ...[
    { B: 1, Cin: 1, Cout: 1 },
    { B: 3, Cin: 33, Cout: 7 },
    { B: 2, Cin: 31, Cout: 36 },
    { B: 2, Cin: 128, Cout: 65 },
  ].map(siluLinearCase),
  ...[
    { B: 1, Cin: 1, Cout: 1 },
    { B: 3, Cin: 5, Cout: 7 },
    { B: 2, Cin: 128, Cout: 5 },
    { B: 2, Cin: 13, Cout: 4 },
    { B: 1, Cin: 1, Cout: 64 },
    { B: 17, Cin: 3, Cout: 12 },
    { B: 3, Cin: 128, Cout: 128 },
    { B: 2, Cin: 5, Cout: 7, fixedBias: true },
    { B: 3, Cin: 4, Cout: 128, fixedBias: true },
  ].map(linearCase),
];
