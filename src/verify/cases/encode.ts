import type { StepEncoding } from '../../ops/encode.ts';
import { encode } from '../../ops/encode.ts';
import { encode as encodeTruth } from '../../reference/encode.ts';
import type { KernelCase } from '../case.ts';
import { roundingError, times } from '../case.ts';

function encodeCase({ kind, t, steps, width }: {
  kind: StepEncoding; t: number[]; steps: number; width: number;
}): KernelCase {
  return {
    stem: 'encode',
    name: `${kind} ${times(t.length, width)} of ${steps}`,
    inputs: { t: { shape: [t.length], values: t } },
    record: (tape, inputs) => ({ y: encode(tape, inputs.t!, { kind, steps, width }) }),
    expected(given) {
      const value = encodeTruth({ kind, t: given.t!, width });
      // the table, 1 − f, two products and their sum; all of it at most 1
      return { y: { value, scale: value.map(() => 1), tolerance: roundingError(5) } };
    },
  };
}

export const encodeCases: readonly KernelCase[] = (['transformer', 'diffwave'] as const).flatMap((kind) => [
  { kind, t: [0], steps: 1, width: 4 },
  { kind, t: [0, 4, 0.5, 3.25], steps: 5, width: 6 },
  { kind, t: [199, 0, 7.125], steps: 200, width: 128 },
]).map(encodeCase);
