import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';

/**
 * A single number, (1), becomes the element `historySlot` of `history`, which is given to `run`, or with `later` is added to
 * it: a figure of every step that stays on the GPU until somebody asks. Has no gradient.
 */
export function keepFigure(tape: Tape, value: Tensor, { history, later = false }: { history: Tensor; later?: boolean }): void {
  expectShape(value, [1], 'keepFigure');
  tape.record({
    kernel: { shader: 'keepFigure', entry: 'forward', overrides: { LATER: later } },
    reads: { value },
    writes: { history },
    step: true,
    workgroups: 1,
  });
}
