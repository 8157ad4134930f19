import { keepFigure } from '../../ops/keepFigure.ts';
import type { KernelCase } from '../case.ts';
import { unitRoundoff } from '../case.ts';

/** One element of the history takes the value or adds it; the others stay as they are. */
function keepFigureCase({ slots, slot, later }: { slots: number; slot: number; later: boolean }): KernelCase {
  return {
    stem: 'keepFigure',
    name: `slot ${slot} of ${slots}${later ? ', added' : ''}`,
    inputs: { value: { shape: [1] }, history: { shape: [slots] } },
    runs: [{ historySlot: slot }],
    record(tape, { value, history }) {
      keepFigure(tape, value!, { history: history!, later });
      return { history: history! };
    },
    expected({ value, history }) {
      const kept = history!.with(slot, value![0]! + (later ? history![slot]! : 0));
      // one addition, if any
      return { history: { value: kept, scale: kept.map((v, i) => (later && i === slot ? Math.abs(v) : 0)), tolerance: unitRoundoff } };
    },
  };
}

export const keepFigureCases: readonly KernelCase[] = [
  { slots: 1, slot: 0, later: false },
  { slots: 67, slot: 66, later: false },
  { slots: 67, slot: 5, later: true },
].map(keepFigureCase);
