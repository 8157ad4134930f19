import { linear } from '../../ops/linear.ts';
import { linear as linearTruth, linearBackward } from '../../reference/linear.ts';
import type { KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';

export function linearCase({ B, Cin, Cout }: { B: number; Cin: number; Cout: number }): KernelCase {
  return {
    stem: 'linear',
    name: `${times(B, Cin)}→${Cout}`,
    inputs: {
      x: { shape: [B, Cin], gradient: true },
      weight: { shape: [Cin, Cout], gradient: true },
      bias: { shape: [Cout], gradient: true },
    },
    record: (tape, { x, weight, bias }) => ({ y: linear(tape, { x: x!, weight: weight!, bias: bias! }) }),
    expected: (given) => sums(
      given,
      ({ x, weight, bias, 'd y': dOutput }) => {
        const layer = { input: x!, weight: weight!, bias: bias!, B, Cin, Cout };
        const { dInput, dWeight, dBias } = linearBackward({ ...layer, dOutput: dOutput! });
        return { y: linearTruth(layer), 'd x': dInput, 'd weight': dWeight, 'd bias': dBias };
      },
      { y: Cin + 1, 'd x': Cout, 'd weight': B, 'd bias': B },
    ),
  };
}

export const linearCases: readonly KernelCase[] = [
  { B: 1, Cin: 1, Cout: 1 },
  { B: 3, Cin: 5, Cout: 7 },
  { B: 2, Cin: 128, Cout: 5 },
  { B: 2, Cin: 13, Cout: 4 },
  { B: 1, Cin: 1, Cout: 64 },
  { B: 17, Cin: 3, Cout: 12 },
  { B: 3, Cin: 128, Cout: 128 },
].map(linearCase);
