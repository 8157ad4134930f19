import { gate } from '../../ops/gate.ts';
import { gate as gateTruth, gateBackward } from '../../reference/gate.ts';
import type { KernelCase } from '../case.ts';
import { times, unitRoundoff } from '../case.ts';
import { sigmoidError } from './silu.ts';

/**
 * Largest error of tanh x = (1 − e)/(1 + e), e = e^−2|x|, absolutely. WGSL lets exp be 3 + 4|x| units in the last place off;
 * times the derivative 2e/(1 + e)² that is at most two units of 1. Difference, sum and division bring another three and a half.
 */
export const tanhError = 6 * 2 * unitRoundoff;

/** Past these, exponentials overflow float32. */
const edges = [0, 30, -30, 88, -89, 1e4, -1e4];

export function gateCase({ B, L, C }: { B: number; L: number; C: number }): KernelCase {
  const rows = B * L;
  return {
    stem: 'gate',
    name: times(B, L, C),
    inputs: { x: { shape: [B, L, 2 * C], gradient: true, edges } },
    record: (tape, { x }) => ({ y: gate(tape, x!) }),
    expected({ x, 'd y': dy }) {
      // All factors are at most 1, so their errors add up. In 1 − tanh² that of tanh counts twice.
      const perElement = dy!.map(Math.abs);
      const perInput = new Float64Array(x!.length).map((_, i) => perElement[Math.floor(i / (2 * C)) * C + (i % C)]!);
      return {
        y: { value: gateTruth({ input: x!, rows, C }), scale: dy!.map(() => 1), tolerance: tanhError + sigmoidError },
        'd x': {
          value: gateBackward({ input: x!, dOutput: dy!, rows, C }),
          scale: perInput,
          tolerance: 2 * tanhError + 2 * sigmoidError,
        },
      };
    },
  };
}

export const gateCases: readonly KernelCase[] = [
  { B: 1, L: 1, C: 1 },
  { B: 3, L: 7, C: 5 },
  { B: 1, L: 63, C: 1 },
  { B: 1, L: 65, C: 1 },
  { B: 1, L: 1, C: 4 },
  { B: 2, L: 13, C: 12 },
  { B: 1, L: 64, C: 4 },
  { B: 1, L: 65, C: 4 },
  { B: 2, L: 3, C: 64 },
].map(gateCase);
