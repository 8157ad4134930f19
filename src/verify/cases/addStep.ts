import { addStep } from '../../ops/addStep.ts';
import { addStep as addStepTruth, addStepBackward } from '../../reference/addStep.ts';
import type { KernelCase } from '../case.ts';
import { sums, times } from '../case.ts';

export function addStepCase({ B, L, C }: { B: number; L: number; C: number }): KernelCase {
  return {
    stem: 'addStep',
    name: times(B, L, C),
    inputs: { x: { shape: [B, L, C], gradient: true }, step: { shape: [B, C], gradient: true } },
    record: (tape, { x, step }) => ({ y: addStep(tape, x!, step!) }),
    expected: (given) => sums(
      given,
      ({ x, step, 'd y': dy }) => {
        const { dInput, dStep } = addStepBackward({ dOutput: dy!, B, L, C });
        return { y: addStepTruth({ input: x!, step: step!, B, L, C }), 'd x': dInput, 'd step': dStep };
      },
      { y: 1, 'd x': 0, 'd step': L },
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
].map(addStepCase);
