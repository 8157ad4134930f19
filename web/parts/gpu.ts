/** Part 5: the adapter, and the proof that our kernels are right on it. */
import type { KernelRow, Row } from '../../src/web.ts';
import { formatBytes } from '../../src/web.ts';
import type { Adapter, News } from '../engine/protocol.ts';
import { Saying, button, download, el, section } from '../view/dom.ts';
import type { Notebook } from './notebook.ts';
import { counted, digits } from './notebook.ts';

/** What is left of a bench's file name: 'Apple M2' → 'apple-m2'. */
const stem = (adapter: string): string => adapter.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

export function gpuPart(notebook: Notebook): void {
  const { engine } = notebook;
  const say = new Saying();
  const facts = el('table', { class: 'facts' });
  const bar = el('progress', { max: 1, value: 0, 'aria-label': 'Part of the kernels that are checked' });
  const body = el('tbody', {});
  let adapter: Adapter | undefined;
  let rows: Row[] = [];
  let timed: News['timed'][] = [];
  const fact = (name: string, text: string): HTMLElement => el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, text));
  const open = async (): Promise<Adapter> => {
    if (adapter) return adapter;
    adapter = await engine.ask('open', undefined);
    const { limits } = adapter;
    facts.replaceChildren(
      fact('adapter', adapter.name), fact('driver', adapter.driver || 'the browser does not say'), fact('kernels', adapter.variant),
      fact('one binding', formatBytes(limits.maxStorageBufferBindingSize!)), fact('one buffer', formatBytes(limits.maxBufferSize!)),
      fact('invocations of a workgroup', limits.maxComputeInvocationsPerWorkgroup!.toLocaleString('en')),
      fact('memory of a workgroup', formatBytes(limits.maxComputeWorkgroupStorageSize!)),
      fact('features', adapter.features.join(', ') || 'none beyond the standard'),
    );
    return adapter;
  };
  const verify = button('Verify every kernel', async () => {
    rows = [];
    body.replaceChildren();
    await open();
    say.say('Checking …');
    stop.hidden = false;
    const { rows: count, failed } = await engine.ask('verify', undefined).finally(() => (stop.hidden = true));
    say.say(failed === 0 ? `PASS: ${count.toLocaleString('en')} checks, none failed.` : `FAIL: ${failed} of ${count.toLocaleString('en')} checks failed.`);
    if (failed > 0) say.element.classList.add('bad');
    save.disabled = false;
  }, { main: true, say });
  const bench = button('Time every kernel', async () => {
    timed = [];
    times.replaceChildren();
    await open();
    say.say('Timing: the first ones compile …');
    stop.hidden = false;
    const { rows: count, wrong } = await engine.ask('bench', notebook.preset.model).finally(() => (stop.hidden = true));
    say.say(`${counted(count, 'kernel')} timed${wrong > 0 ? `, ${wrong} wrong and so not timed` : ''}.`);
  }, { say });
  const stop = button('Stop', () => engine.ask('pause', undefined), { say });
  stop.hidden = true;
  const save = button('Download the results', async () => {
    const from = { ...(await open()) };
    const origin = { date: new Date().toISOString(), adapter: from.name, driver: from.driver, software: from.software, versions: { 'diffwave-webgpu': PACKAGE_VERSION, browser: navigator.userAgent } };
    const lines = [
      { bench: 'adapter', variant: from.variant, limits: from.limits, features: from.features, ...origin },
      ...rows.map((row) => ({ bench: 'verify', ...row, ...origin })),
      ...timed.map((row) => ({ ...row, ...origin })),
    ];
    download(`${stem(from.name)}.jsonl`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), 'application/json');
  }, { say });
  save.disabled = true;
  engine.on('checked', ({ rows: more, done, total }) => {
    rows.push(...more);
    bar.value = done / total;
    const failed = more.filter(({ ok }) => !ok);
    const worst = more.reduce((a, b) => (b.error / (b.tolerance || Infinity) > a.error / (a.tolerance || Infinity) ? b : a));
    body.append(el('tr', {},
      el('td', { class: failed.length === 0 ? 'pass' : 'fail' }, failed.length === 0 ? 'PASS' : `FAIL: ${failed.map(({ direction }) => direction).join(', ')}`),
      el('td', {}, more[0]!.subject), el('td', {}, more[0]!.name), el('td', {}, worst.error.toExponential(1)), el('td', {}, worst.tolerance.toExponential(1))));
    say.say(`Checking: ${done} of ${total} cases`);
  });
  const times = el('tbody', {});
  engine.on('timed', (row) => {
    timed.push(row);
    save.disabled = false;
    say.say(timedLine(row));
    if (row.bench === 'kernel') times.append(timesOf(row as unknown as KernelRow));
  });
  const timesTable = el('table', {}, el('thead', {}, el('tr', {}, ...['kernel', 'variant', 'shape', 'ms', 'GFLOP/s', 'GB/s', 'of the roofline'].map((name) => el('th', { scope: 'col' }, name)))), times);
  const table = el('table', {}, el('thead', {}, el('tr', {}, ...['verdict', 'kernel', 'case', 'error', 'tolerance'].map((name) => el('th', { scope: 'col' }, name)))), body);
  section('gpu').append(
    el('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'The adapter' }, facts),
    el('div', { class: 'row' }, verify, bench, stop, save), say.element, bar,
    el('details', {}, el('summary', {}, 'Every case'), el('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'Every case' }, table)),
    el('details', {}, el('summary', {}, 'Every time'),
      el('p', {}, 'The roofline is the least time that the adapter could take, by its rates of multiply-adds and of copied bytes, measured beside each kernel.'),
      el('div', { class: 'table', tabindex: 0, role: 'region', 'aria-label': 'Every time' }, timesTable)));
  void say.during(open);
}

function timedLine(row: News['timed']): string {
  if (row.bench === 'tuning') return 'Tuning: sizes of the tile kernels are tried …';
  if (row.bench === 'tuned') return tunedLine(row);
  const { kernel, variant, ofRoofline } = row as unknown as KernelRow;
  return `Timing: ${kernel} · ${variant} reaches ${digits(100 * ofRoofline)} % of the roofline`;
}

function tunedLine({ tile, gain }: News['timed']): string {
  if (tile === null) return 'Tuned: no size of the tile kernels computes what it should.';
  const { rows, deep } = tile as { rows: number; deep: number };
  const better = typeof gain !== 'number' || gain === 0 ? 'the usual ones are the fastest' : `${digits(100 * gain)} % faster than the usual ones`;
  return `Tuned: tiles of ${rows} rows, ${deep} deep, ${better}. Timing: the first kernels compile …`;
}

function timesOf({ kernel, variant, shape, median, flopsPerSecond, bytesPerSecond, ofRoofline }: KernelRow): HTMLElement {
  const cells = [
    kernel, variant, shape, digits(1e3 * median), flopsPerSecond > 0 ? digits(flopsPerSecond / 1e9) : '–', digits(bytesPerSecond / 1e9), `${digits(100 * ofRoofline)} %`,
  ];
  return el('tr', {}, ...cells.map((text) => el('td', {}, text)));
}
