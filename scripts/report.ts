/** npm run report: a run as one HTML page, to be opened in any browser, with or without a network. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readValidations, savedSamples } from '../src/diffwave/files/journal.node.ts';
import { RunFolder } from '../src/diffwave/files/run.node.ts';
import { readFileOrExplain, writeFileAtomic } from '../src/disk/files.node.ts';
import { command } from './lib/cli/command.ts';
import { readEvaluation } from './lib/evaluate/record.ts';
import { reportPage } from './lib/report/page.ts';

const cli = command({
  name: 'report',
  summary: 'Writes one self-contained HTML page about a run: loss curves, baselines, evaluation, samples, configuration.',
  flags: {
    run: { type: 'string', placeholder: '<run>', required: true, help: 'folder of the run' },
    out: { type: 'string', placeholder: '<file>', help: 'the page (<run>/report.html)' },
  },
});

export default cli.does(({ flags }) => {
  const run = RunFolder.open(flags.run);
  const out = flags.out ?? join(flags.run, 'report.html');
  const samples = savedSamples(flags.run).map(({ step, wav, png }) => ({ step, wav: readFileOrExplain(wav, 'a sound'), png: readFileOrExplain(png, 'a picture') }));
  const page = reportPage({
    name: basename(resolve(flags.run)),
    config: run.config,
    log: run.readLog(),
    validations: readValidations(flags.run),
    samples,
    evaluation: readEvaluation(flags.run),
  }, {
    libraryScript: library('uplot/dist/uPlot.iife.min.js'),
    libraryStyle: library('uplot/dist/uPlot.min.css'),
    clientScript: readFileSync(new URL('lib/report/client.js', import.meta.url), 'utf8'),
  });
  writeFileAtomic(out, page);
  console.log(`report    ${out} (open it in a browser)`);
});

function library(file: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(file), 'utf8');
}
