/** The part of a report that says how much the samples are like music. */
import type { Evaluation } from '../evaluate/record.ts';
import type { FigureRow } from '../evaluate/rows.ts';
import type { ClassComparison } from '../../../src/evaluation/classes.ts';
import { classRowsOf, rateLine } from '../evaluate/classes.ts';
import { headings, rowsOf } from '../evaluate/rows.ts';

const columns: readonly (keyof FigureRow)[] = ['name', 'samples', 'interval', 'floor', 'spectrum', 'white', 'result'];

/** HTML; `escape` is the page's. */
export function evaluationHtml({ count, seconds, step, heldOut, measurement, copies, labels, classes, verdict }: Evaluation, escape: (text: string) => string): string {
  const cells = (row: FigureRow, tag: 'th' | 'td'): string =>
    `<tr>${columns.map((key) => (key === 'name' ? `<th>${escape(row.name)}</th>` : `<${tag}>${escape(row[key])}</${tag}>`)).join('')}</tr>`;
  const after = step === null ? '' : ` after ${step} updates`;
  const files = heldOut.files.length;
  return `<p>${escape(verdict)}</p>
<table class="bins evaluation"><caption>${count} samples of ${seconds.toFixed(2)} s${after}, against ${heldOut.clips} clips of ${files} held-out ${files === 1 ? 'file' : 'files'}</caption>
${cells(headings, 'th')}
${rowsOf(measurement, copies).map((row) => cells(row, 'td')).join('\n')}
</table>
<p class="note">0 % is as near to held-out tracks as other music of this set is, 100 % as near as noise that has its spectrum. Intervals
are of 95 %, over samples.</p>${classes ? classesHtml(classes, labels ?? [], escape) : ''}`;
}

/** Samples by label: how far their mean log spectrum is from that of every class. */
function classesHtml(comparison: ClassComparison, names: readonly string[], escape: (text: string) => string): string {
  const rows = classRowsOf(comparison, names).map((row, i) =>
    `<tr>${row.map((cell, column) => (i === 0 || column === 0 ? `<th>${escape(cell)}</th>` : `<td>${escape(cell)}</td>`)).join('')}</tr>`);
  return `
<table class="bins evaluation">${rows.join('')}</table>
<p class="note">Distance of the samples' mean log spectrum from that of each class. ${escape(rateLine(comparison))}.</p>`;
}
