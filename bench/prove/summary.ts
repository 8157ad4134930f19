/** The page that says at one look what was proved: rewritten after every part, so that it is never older than the rows. */
import type { Provenance } from '../lib/report.ts';
import type { PartResult } from './run.ts';
import { isBad } from './run.ts';

export interface SummaryOptions {
  readonly from: Provenance | undefined;
  readonly small: boolean;
  readonly budget: number; // seconds
  readonly seconds: number; // that it took so far
  readonly results: readonly PartResult[];
}

export function summaryPage({ from, small, budget, seconds, results }: SummaryOptions): string {
  const bad = results.filter(isBad);
  const unfinished = results.filter(({ outcome }) => outcome === 'cut off' || outcome === 'not reached');
  const verdict = bad.length > 0 ? `**${bad.length} parts are wrong: ${bad.map(({ title }) => title).join(', ')}**` : 'Nothing was found wrong.';
  return [
    `# ${from?.adapter ?? 'No adapter'}`,
    '',
    ...(from ? [`${from.driver}${from.software ? ', a software adapter' : ''}; ${Object.entries(from.versions).map(([name, version]) => `${name} ${version}`).join(', ')}; ${from.date}`, ''] : []),
    `\`npm run prove${small ? ' -- --small' : ''}\`, ${Math.round(seconds)} s of ${Math.round(budget)}. ${verdict}` +
      (unfinished.length > 0 ? ` Not finished: ${unfinished.map(({ title }) => title).join(', ')}.` : ''),
    '',
    '| part | | seconds | |',
    '| --- | --- | ---: | --- |',
    ...results.map((result) => `| ${result.title} | ${shown(result.outcome)} | ${result.seconds.toFixed(1)} | ${cell([...problemsOf(result), ...result.lines])} |`),
    ...results.filter(({ details }) => details.length > 0).flatMap(({ title, details }) => ['', `## ${title}`, '', '```', details.join('\n').replaceAll('```', "'''"), '```']),
    '',
  ].join('\n');
}

function shown(outcome: PartResult['outcome']): string {
  return outcome === 'wrong' || outcome === 'crashed' ? `**${outcome}**` : outcome;
}

function problemsOf({ outcome, problems }: PartResult): string[] {
  return problems.map((text) => (outcome === 'absent' ? text : `**${text}**`));
}

/** Lines in one cell of a table. */
function cell(lines: readonly string[]): string {
  const few = lines.length > 12 ? [...lines.slice(0, 12), `and ${lines.length - 12} more`] : lines;
  return few.map((line) => line.replaceAll('|', '\\|')).join('<br>');
}
