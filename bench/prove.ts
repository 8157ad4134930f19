/** `npm run prove`: what a GPU computes and how fast, the most valuable first, for a machine that is there for minutes. */
import { join, relative } from 'node:path';
import { ensureAdapter } from '../scripts/lib/adapter/gpu.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { writeFileAtomic } from '../src/disk/files.node.ts';
import { UserError } from '../src/errors.ts';
import type { TileSizes } from '../src/gpu/device/variant.ts';
import type { Provenance } from './lib/report.ts';
import { appendRows, fileStem } from './lib/report.ts';
import { secondsOf } from './prove/duration.ts';
import { parts } from './prove/parts.ts';
import type { PartResult, RunningPart } from './prove/run.ts';
import { isBad, runPart } from './prove/run.ts';
import { summaryPage } from './prove/summary.ts';

const names = parts.map(({ name }) => name);

/** Seconds that are too few to start a part. */
const tooFew = 5;

await command({
  name: 'prove',
  summary: 'checks and measures everything on this adapter, the most valuable first, and writes it down at once',
  positionals: [{ name: 'part', many: true, help: `only these: ${names.join(', ')}` }],
  flags: {
    budget: { type: 'string', placeholder: '<time>', default: '8min', help: 'parts that do not fit into it are cut off, the last ones first' },
    small: { type: 'boolean', help: 'small sizes, for software adapters and to see that it runs' },
    python: { type: 'string', placeholder: '<program>', default: 'python3', help: 'the Python that has PyTorch' },
    out: { type: 'string', placeholder: '<folder>', help: 'where <adapter>.jsonl and <adapter>.md go (bench/results)' },
  },
}).does(async ({ flags, positionals }) => {
  const budget = secondsOf(flags.budget, '--budget');
  for (const name of positionals.part) {
    if (!names.includes(name)) throw new UserError(`there is no part '${name}'; there are ${names.join(', ')}`);
  }
  const chosen = parts.filter(({ name }) => positionals.part.length === 0 || positionals.part.includes(name));
  await ensureAdapter(); // stays open, as Dawn does not survive being collected; every part has its own

  const left = (): number => budget - performance.now() / 1000;
  const results: PartResult[] = [];
  let from: Provenance | undefined;
  let tile: TileSizes | undefined;
  let running: RunningPart | undefined;
  let interrupted = false;
  const stop = (): void => {
    interrupted = true;
    running?.kill();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const fileOf = (ending: string): string => join(flags.out ?? join(import.meta.dirname, 'results'), `${fileStem(from?.adapter ?? 'no adapter')}.${ending}`);
  const writeSummary = (): void =>
    writeFileAtomic(fileOf('md'), summaryPage({ from, small: flags.small, budget, seconds: budget - left(), results }));

  for (const { name, title, share } of chosen) {
    const seconds = Math.min(left(), chosen.length === 1 ? Infinity : share * budget);
    if (interrupted || seconds < Math.min(tooFew, share * budget)) {
      results.push({ name, title, outcome: 'not reached', seconds: 0, lines: [], details: [], problems: [] });
      continue;
    }
    console.log(`\n${title}`);
    let rows = 0;
    running = runPart({ part: name, small: flags.small, seconds, python: flags.python, tile }, {
      onAdapter: (provenance) => { from ??= provenance; },
      onRow(bench, row) {
        rows++;
        appendRows(fileOf('jsonl'), [{ bench, ...row, ...from, date: new Date().toISOString() }]);
      },
      onLine: (text) => console.log(`  ${text}`),
      onTile: (sizes) => { tile = sizes; },
    });
    const result = { title, ...(await running.result) };
    if (result.outcome === 'cut off') console.log(`  cut off after ${result.seconds.toFixed(0)} s, with ${rows} rows written`);
    results.push(interrupted ? { ...result, outcome: 'cut off', problems: [] } : result);
    if (from) writeSummary();
  }
  writeSummary();
  const bad = results.filter(isBad);
  const count = (outcome: PartResult['outcome']): number => results.filter((result) => result.outcome === outcome).length;
  console.log(`\n${bad.length === 0 ? 'PASS' : `FAIL (${bad.map(({ name }) => name).join(', ')})`}: ${count('right')} parts right, ` +
    `${count('absent')} not possible here, ${count('cut off') + count('not reached')} not finished; ` +
    `${relative(process.cwd(), fileOf('md'))} and .jsonl beside it`);
  return interrupted ? 130 : bad.length === 0 ? 0 : 1;
}).run();
