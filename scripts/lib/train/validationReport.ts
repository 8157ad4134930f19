/** How a validation is printed. */
import type { Validation, ValidationClass } from '../../../src/diffwave/validation/validation.ts';
import { inColumns } from '../report/columns.ts';
import { betterThanWiener } from '../../../src/diffwave/validation/validation.ts';

/** 'validation loss 0.0812 · better than Wiener in 3 of 5 bins'. */
export function validationLine(validation: Validation): string {
  return `validation loss ${validation.loss.toFixed(4)} · better than Wiener in ${betterThanWiener(validation)} of ${validation.bins.length} bins`;
}

/** A line for every bin of t: the loss beside those of the ideal linear filter and of predicting zero; then one for every class. */
export function validationTable({ bins, classes }: Validation, labels: readonly string[] = []): string {
  const rows = bins.map(({ from, to, loss, wiener, zero }) => [
    `${from}–${to}`, loss.toFixed(5), wiener.toFixed(5), zero.toFixed(5), loss < wiener ? 'better' : 'not yet',
  ]);
  const table = inColumns([['t', 'loss', 'Wiener', 'zero', 'than Wiener'], ...rows]);
  return classes ? `${table}\n${inColumns(classRows(classes, labels))}` : table;
}

/** The classes' losses: a class is learned as far as being told it helps. */
export function classRows(classes: readonly ValidationClass[], labels: readonly string[]): string[][] {
  const rows = classes.map(({ label, loss, wiener, untold }) => [
    labels[label] ?? String(label), loss.toFixed(5), wiener.toFixed(5), untold === undefined ? '–' : untold.toFixed(5),
    untold === undefined ? '–' : `${(100 * (1 - loss / untold)).toFixed(1)} %`,
  ]);
  return [['label', 'loss', 'Wiener', 'not told', 'told helps'], ...rows];
}
