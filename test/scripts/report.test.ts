import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { escapeHtml } from '../../scripts/lib/report/page.ts';
import { binsChart, lossChart, speedChart } from '../../scripts/lib/report/data.ts';
import { Journal } from '../../src/diffwave/files/journal.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import type { Validation } from '../../src/diffwave/validation/validation.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';
import { refuses, succeeds } from './program.ts';
import { classic } from '../diffwave/classic.ts';

const test = suite('npm run report');

const validation = (step: number, loss: number): Validation => ({
  step, loss, bins: [{ from: 0, to: 1, loss, wiener: 0.25, zero: 1 }, { from: 2, to: 4, loss: loss / 2, wiener: 0.01, zero: 1 }],
});
const log = [{ step: 1, loss: 1, seconds: 1 }, { step: 10, loss: 0.5, seconds: 4 }, { step: 20, loss: 0.25, seconds: 9 }];

function newRun(data = 'music'): { folder: string; run: RunFolder } {
  const folder = join(temporaryFolder(), 'run');
  return { folder, run: RunFolder.create(folder, { preset: 'tiny', ...classic, data }) };
}

/** The data of the charts, as the page's own script reads them. */
function chartsOf(page: string) {
  const [, json] = /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page)!;
  return JSON.parse(json!) as { id: string; series: { label: string; dashed?: boolean }[]; columns: (number | null)[][] }[];
}

test('one page with everything in it, which asks for nothing else', async () => {
  const { folder, run } = newRun();
  const journal = new Journal(folder);
  for (const line of log) run.appendLog({ ...line, recent: { loss: 9, updates: 9 }, gradientNorm: 0.1, learningRate: 1e-3, stepsPerSecond: 3, eta: 0 });
  journal.validation(validation(10, 0.4));
  journal.validation(validation(20, 0.2));
  const sample = journal.sample(20, sine({ hertz: 440, sampleRate: 7350, samples: 2000 }), 7350);
  const stdout = await succeeds('report', ['--run', folder]);
  assert.is(stdout, `report    ${join(folder, 'report.html')} (open it in a browser)\n`);

  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  assert.equal(chartsOf(page).map(({ id }) => id), ['loss', 'speed', 'bins']);
  for (const { id, columns, series } of chartsOf(page)) {
    assert.ok(page.includes(`<div id="${id}" class="chart">`));
    assert.is(columns.length, series.length + 1);
  }
  assert.match(page, '20 updates in 9 s · training loss 0.4 (mean of the last 20 updates) · validation loss 0.2, better than Wiener in 1 of 2 bins');
  assert.match(page, '<tr><th>0–1</th><td class="better">0.2</td><td>0.25</td><td>1</td></tr>');
  assert.match(page, '<tr><th>channels</th><td>32</td></tr>');
  assert.match(page, '<tr><th>mean time of an update</th><td>450 ms</td></tr>');
  assert.ok(page.includes(`src="data:image/png;base64,${readFileSync(sample.png).toString('base64')}"`));
  assert.ok(page.includes(`src="data:audio/wav;base64,${readFileSync(sample.wav).toString('base64')}"`));
  // Whatever would be fetched is in an attribute; the rest of the page are scripts, and the policy forbids them to.
  const attributes = [...page.matchAll(/\b(?:src|href)="([^"]{0,10})/g)].map(([, value]) => value);
  assert.ok(attributes.every((value) => value!.startsWith('data:')), attributes.join(' '));
  assert.match(page, `default-src 'none'`);
});

test('text of the run stays text', async () => {
  const evil = `</script><script>alert("1")</script><img src=x onerror='alert(2)'>`;
  const { folder } = newRun(evil);
  const out = join(temporaryFolder(), 'page.html');
  await succeeds('report', ['--run', folder, '--out', out]);
  const page = readFileSync(out, 'utf8');
  assert.not.ok(page.includes('<img src=x') || page.includes('<script>alert'));
  assert.ok(page.includes(escapeHtml(evil)));
  assert.is(escapeHtml(`<a href="x">'&amp;'</a>`), '&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;');
});

test('a run that has only begun', async () => {
  const { folder } = newRun();
  await succeeds('report', ['--run', folder]);
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  assert.match(page, 'no updates yet');
  assert.match(page, 'This run has no validation');
  assert.equal(chartsOf(page), []);
});

test('what is no run is refused', async () => {
  const folder = temporaryFolder();
  await refuses('report', ['--run', folder], [folder, 'is not a run']);
  assert.is(existsSync(join(folder, 'report.html')), false);
  assert.ok(statSync(folder).isDirectory());
});

test('curves share an axis and have gaps where there is nothing to draw', () => {
  const broken = [...log, { step: 30, loss: NaN, seconds: 12 }];
  const { columns, series } = lossChart(broken, [validation(10, 0.4), validation(15, 0.3)]);
  assert.equal(series.map(({ label }) => label), ['training', 'validation']);
  assert.equal(columns, [
    [1, 10, 15, 20, 30],
    [1, 0.5, null, 0.25, null],
    [null, 0.4, 0.3, null, null],
  ]);
});

test('a line and a dashed baseline of the same colour for every bin', () => {
  const { series, columns } = binsChart([validation(10, 0.4), validation(20, 0.2)]);
  assert.equal(series.map(({ label, dashed }) => [label, dashed ?? false]), [
    ['t 0–1', false], ['its Wiener', true], ['t 2–4', false], ['its Wiener', true], ['predicting zero', true],
  ]);
  assert.is(series[0]!.color, series[1]!.color);
  assert.equal(columns, [[10, 20], [0.4, 0.2], [0.25, 0.25], [0.2, 0.1], [0.01, 0.01], [1, 1]]);
});

test('the loss of predicting zero is drawn where it is one number', () => {
  const { bins, ...rest } = validation(10, 0.4);
  const ofV = { ...rest, bins: bins.map((bin, i) => ({ ...bin, zero: 1 / (i + 2) })) };
  const { series, columns } = binsChart([ofV]);
  assert.equal(series.map(({ label }) => label), ['t 0–1', 'its Wiener', 't 2–4', 'its Wiener']);
  assert.is(columns.length, series.length + 1);
});

test('speed is that between two lines of the log', () => {
  assert.equal(speedChart(log).columns, [[10, 20], [3, 2]]);
});

test.run();
