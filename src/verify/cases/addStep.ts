import { addStep } from '../../ops/addStep.ts';
import { addStep as addStepTruth, addStepBackward } from '../../reference/addStep.ts';
import type { KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';

export function addStepCase({ B, L, C, eachRow = false }: { B: number; L: number; C: number; eachRow?: boolean }): KernelCase {
  return {
    stem: 'addStep',
    name: `${times(B, L, C)}${eachRow ? ' for each row' : ''}`,
    inputs: {
      x: { shape: [B, L, C], gradient: true },
      step: eachRow ? { shape: [B, L, C], gradient: true, soleReader: true } : { shape: [B, C], gradient: true },
    },
    record: (tape, { x, step }) => ({ y: addStep(tape, x!, step!) }),
    expected: (given) => sums(
      given,
      ({ x, step, 'd y': dy }) => {
        if (eachRow) return { y: x!.map((value, i) => value + step![i]!), 'd x': dy!, 'd step': dy! };
        const { dInput, dStep } = addStepBackward({ dOutput: dy!, B, L, C });
        return { y: addStepTruth({ input: x!, step: step!, B, L, C }), 'd x': dInput, 'd step': dStep };
      },
      { y: 1, 'd x': 0, 'd step': eachRow ? 0 : L },
    ),
  };
}

export const addStepCases: readonly KernelCase[] = [
  { B: 1, L: 1, C: 1 },
  { B: 3, L: 7, C: 5 },
  { B: 2, L: 65, C: 1 }, // more rows than one partial sum has
  { B: 1, L: 64, C: 3 },
  { B: 2, L: 131, C: 4 },
  { B: 1, L: 1, C: 8 },
  { B: 3, L: 5, C: 12 },
  { B: 2, L: 3, C: 64 },
  { B: 1, L: 1, C: 1, eachRow: true },
  { B: 2, L: 13, C: 3, eachRow: true },
  { B: 3, L: 9, C: 8, eachRow: true },
].map(addStepCase);
