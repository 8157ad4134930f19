/** Samples by label, as rows of a table, for the terminal and for the report. */
import type { ClassComparison } from '../../../src/evaluation/classes.ts';
import { inColumns } from '../report/columns.ts';

/** A heading, then a row for every class: distances of its samples' mean log spectrum from those of the classes, in dB. */
export function classRowsOf({ classes }: ClassComparison, names: readonly string[]): string[][] {
  const known = classes[0]!.logSpectrum.map((_, i) => names[i] ?? String(i));
  return [
    ['asked for', 'nearest to it', ...known.map((name) => `to ${name}`)],
    ...classes.map(({ label, pieces, nearest, logSpectrum }) =>
      [names[label] ?? String(label), `${nearest} of ${pieces}`, ...logSpectrum.map((distance) => `${distance.toFixed(1)} dB`)]),
  ];
}

/** '75 % of the samples are nearest to the class that they were asked for; of held-out music 81 %, by chance 33 %'. */
export function rateLine({ rate, heldOut, chance }: ClassComparison): string {
  const percent = (share: number | null): string => `${(100 * (share ?? NaN)).toFixed(0)} %`; // what was no number is null in JSON
  return `${percent(rate)} of the samples are nearest to the class that they were asked for; of held-out music ${percent(heldOut)}, by chance ${percent(chance)}`;
}

export function classesText(comparison: ClassComparison, names: readonly string[]): string {
  return `${inColumns(classRowsOf(comparison, names), { left: true, gap: 3 })}\n${rateLine(comparison)}`;
}
