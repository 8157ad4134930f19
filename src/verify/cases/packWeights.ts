import { conv1d } from '../../ops/conv1d.ts';
import { isFast } from '../../ops/contraction.ts';
import { prepareWeights } from '../../ops/packing.ts';
import type { Expected, Given, KernelCase, Staging } from '../case.ts';
import { times } from '../case.ts';
import { convolutionTruth } from './conv1d.ts';

interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly Cin: number;
  readonly Couts: readonly number[];
  readonly K: number;
}

/**
 * The weights of several convolutions, which are parameters, packed at once. What is packed is judged by what convolutions of one
 * x compute from it, forward and backward; y is their outputs one by one.
 */
function packWeightsCase({ B, L, Cin, Couts, K }: Sizes): KernelCase {
  const affine = Couts.flatMap((Cout, i) => [
    [`weight ${i}`, { shape: [K, Cin, Cout], gradient: true, parameter: true }],
    [`bias ${i}`, { shape: [Cout], gradient: true, parameter: true }],
  ] as const);
  const truthOf = (given: Given, staging: Staging, i: number) => convolutionTruth(
    { x: given.x!, weight: given[`weight ${i}`]!, bias: given[`bias ${i}`]!, 'd y': given[`d y ${i}`]! },
    { B, L, Cin, Cout: Couts[i]!, K, D: 1, staging },
  );
  return {
    stem: 'packWeights',
    name: `${times(B, L, Cin)}→${Couts.join(', ')} K=${K}`,
    hasVariants: true,
    inputs: { x: { shape: [B, L, Cin], gradient: true }, ...Object.fromEntries(affine) },
    record(tape, inputs) {
      const convolutions = Couts.map((_, i) => ({ weight: inputs[`weight ${i}`]!, bias: inputs[`bias ${i}`]!, paired: false }));
      const prepared = isFast(tape, Cin, ...Couts) ? prepareWeights(tape, convolutions, { gradients: true }) : convolutions;
      return Object.fromEntries(prepared.map((each, i) => [`y ${i}`, conv1d(tape, { x: inputs.x!, ...each, dilation: 1 })]));
    },
    expected(given, staging) {
      const all = Couts.map((_, i) => truthOf(given, staging, i));
      const dx: Expected = {
        value: given.x!.map((_, at) => all.reduce((sum, { 'd x': dInput }) => sum + dInput.value[at]!, 0)),
        scale: given.x!.map((_, at) => all.reduce((sum, { 'd x': dInput }) => sum + dInput.scale[at]!, 0)),
        tolerance: Math.max(...all.map(({ 'd x': dInput }) => dInput.tolerance)) * 2, // and their sum
      };
      const each = all.flatMap((truth, i): [string, Expected][] =>
        [[`y ${i}`, truth.y], [`d weight ${i}`, truth['d weight']], [`d bias ${i}`, truth['d bias']]]);
      return { 'd x': dx, ...Object.fromEntries(each) };
    },
  };
}

export const packWeightsCases: readonly KernelCase[] = [
  { B: 1, L: 1, Cin: 4, Couts: [4], K: 1 },
  { B: 2, L: 17, Cin: 20, Couts: [36, 8], K: 3 },
].map(packWeightsCase);
