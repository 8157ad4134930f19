/** A run as one HTML page that needs nothing else: charts, pictures and sounds are inside it. */
import type { RunConfig } from '../../../src/diffwave/files/run.node.ts';
import type { Validation, ValidationClass } from '../../../src/diffwave/validation/validation.ts';
import { classRows } from '../train/validationReport.ts';
import { betterThanWiener } from '../../../src/diffwave/validation/validation.ts';
import { recentLoss } from '../../../src/diffwave/training/recentLoss.ts';
import type { Evaluation } from '../evaluate/record.ts';
import { evaluationHtml } from './evaluation.ts';
import { formatDuration } from './lines.ts';
import type { Chart, LogLine } from './data.ts';
import { binsChart, lossChart, speedChart, speeds } from './data.ts';
import { typedCommand } from '../cli/invocation.ts';

export interface ReportSample {
  readonly step: number;
  readonly wav: Uint8Array;
  readonly png: Uint8Array;
}

export interface ReportContent {
  readonly name: string; // of the run
  readonly config: RunConfig;
  readonly log: readonly LogLine[];
  readonly validations: readonly Validation[];
  readonly samples: readonly ReportSample[];
  /** Where the run has been evaluated. */
  readonly evaluation?: Evaluation;
}

/** What is put into every page: the chart library and the code that uses it. */
export interface PageAssets {
  readonly libraryScript: string;
  readonly libraryStyle: string;
  readonly clientScript: string;
}

/** The page's text. Everything that comes from a run is escaped. */
export function reportPage(content: ReportContent, assets: PageAssets): string {
  const { name, config, log, validations, samples, evaluation } = content;
  const last = validations.at(-1);
  const charts: Chart[] = [];
  if (log.length > 1) charts.push(lossChart(log, validations), speedChart(log));
  if (last) charts.push(binsChart(validations));
  const drawn = (chart: string): boolean => charts.some(({ id }) => id === chart);
  const title = `Run ${name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>${assets.libraryStyle}${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(summaryOf(content))}</p>

<h2>Loss</h2>
${drawn('loss') ? '<div id="loss" class="chart"></div>' : '<p>Too few lines in log.jsonl for a curve yet.</p>'}
${validations.length > 0 ? `<p class="note">Validation is the mean squared error on tracks that training never sees${
  config.model.loss === 'l1' ? '; training minimises the mean absolute error, so the two curves are not on one scale' : ''}.</p>` : ''}

<h2>Loss by diffusion step</h2>
${last ? `<div id="bins" class="chart"></div>
${binsTable(last)}
<p class="note">Dashed: the ideal linear (Wiener) filter that knows the training set's mean power spectrum, and predicting
zero. A network below its dashed line has learned more than a spectrum.</p>${last.classes ? classesHtml(last.classes, config.model.labels ?? []) : ''}` : '<p>This run has no validation.</p>'}

<h2>Like music?</h2>
${evaluation ? evaluationHtml(evaluation, escapeHtml) : `<p>Not evaluated yet; <code>${typedCommand('evaluate')} --run …</code> does it.</p>`}

<h2>Samples</h2>
${samples.length > 0 ? samples.map(sampleFigure).join('\n') : `<p>None were made on the way; <code>${typedCommand('train')} --sample-every 1000</code> makes some.</p>`}

<h2>Time</h2>
${drawn('speed') ? `<div id="speed" class="chart"></div>${table(timings(log))}` : '<p>Not known yet.</p>'}

<h2>Configuration</h2>
<div class="columns">
${table({ preset: config.preset, data: config.data }, 'run')}
${table({ ...config.model }, 'network')}
${table({ ...config.training }, 'training')}
</div>
<script type="application/json" id="charts">${JSON.stringify(charts).replaceAll('<', '\\u003c')}</script>
<script>${assets.libraryScript}</script>
<script>${assets.clientScript}</script>
</body>
</html>
`;
}

/** Which classes are learned: by how much the loss on a class falls when the network is told of it. */
function classesHtml(classes: readonly ValidationClass[], labels: readonly string[]): string {
  const [head, ...rows] = classRows(classes, labels).map((row, i) => {
    const cell = i === 0 ? 'th' : 'td';
    return `<tr>${row.map((text) => `<${cell}>${escapeHtml(text)}</${cell}>`).join('')}</tr>`;
  });
  return `
<h2>Loss by label</h2>
<table class="bins"><thead>${head}</thead><tbody>${rows.join('')}</tbody></table>
<p class="note">Not told: the loss on the same crops when the network does not hear their label. It has learned as much of a class as
being told helps; about 0 % means that <code>--label</code> will change little yet.</p>`;
}

/** Nothing is fetched from anywhere. */
const policy = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; color: #23262d; background: #fff; max-width: 1040px; margin: 0 auto; padding: 16px 24px 64px; }
h1 { font-size: 26px; margin: 16px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 36px 0 8px; border-bottom: 1px solid #e1e4ea; padding-bottom: 4px; }
.chart { width: 100%; min-height: 340px; }
.note { color: #5b626f; font-size: 14px; max-width: 46em; }
.columns { display: flex; flex-wrap: wrap; gap: 8px 40px; align-items: flex-start; }
table { border-collapse: collapse; font-size: 14px; margin: 8px 0; }
caption { text-align: left; font-weight: 600; padding-bottom: 2px; }
th { text-align: left; font-weight: normal; color: #5b626f; padding: 2px 20px 2px 0; }
td { padding: 2px 20px 2px 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.bins th, .bins td { text-align: right; }
.evaluation th:first-child { text-align: left; }
.evaluation td:last-child { text-align: left; }
.better { color: #16703c; font-weight: 600; }
figure { margin: 16px 0 28px; }
figcaption { font-weight: 600; margin-bottom: 6px; }
figure img { width: 100%; max-width: 760px; display: block; border: 1px solid #e1e4ea; }
audio { display: block; margin-top: 8px; width: 100%; max-width: 760px; }
.u-legend { font-size: 13px; }
`;

function summaryOf({ config, log, validations }: ReportContent): string {
  const [end, validation] = [log.at(-1), validations.at(-1)];
  const { layers, channels, sampleRate } = config.model;
  return [
    `${config.preset}: ${layers} layers × ${channels} channels at ${sampleRate} Hz`,
    ...(end ? [`${end.step} updates in ${formatDuration(end.seconds)}`, headlineOf(log)] : ['no updates yet']),
    ...(validation
      ? [`validation loss ${number(validation.loss)}, better than Wiener in ${betterThanWiener(validation)} of ${validation.bins.length} bins`]
      : []),
  ].join(' · ');
}

/** 'training loss 0.0712 (mean of the last 1,002 updates)'. */
function headlineOf(log: readonly LogLine[]): string {
  const { loss, updates } = recentLoss(log);
  return `training loss ${number(Number.isFinite(loss) ? loss : null)} (mean of the last ${updates.toLocaleString('en')} updates)`;
}

function binsTable({ step, bins }: Validation): string {
  const rows = bins.map(({ from, to, loss, wiener, zero }) =>
    `<tr><th>${from}–${to}</th><td${loss < wiener ? ' class="better"' : ''}>${number(loss)}</td><td>${number(wiener)}</td><td>${number(zero)}</td></tr>`);
  return `<table class="bins"><caption>After ${step} updates</caption>
<tr><th>t</th><th>loss</th><th>Wiener</th><th>zero</th></tr>
${rows.join('\n')}
</table>`;
}

function sampleFigure({ step, wav, png }: ReportSample): string {
  return `<figure><figcaption>After ${step} updates</figcaption>
<img alt="Spectrogram of the sample after ${step} updates" src="${dataUri('image/png', png)}">
<audio controls preload="metadata" src="${dataUri('audio/wav', wav)}"></audio></figure>`;
}

function timings(log: readonly LogLine[]): Record<string, string> {
  const end = log.at(-1)!;
  const all = speeds(log).map(({ speed }) => speed).sort((a, b) => a - b);
  return {
    'training time': formatDuration(end.seconds),
    'mean time of an update': `${number((1000 * end.seconds) / end.step)} ms`,
    ...(all.length > 0
      ? { 'updates per second': `${number(all[Math.floor(all.length / 2)]!)} (median), ${number(all[0]!)} to ${number(all.at(-1)!)}` }
      : {}),
  };
}

function table(fields: Readonly<Record<string, unknown>>, caption?: string): string {
  const rows = Object.entries(fields).map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(String(value ?? '–'))}</td></tr>`);
  return `<table>${caption ? `<caption>${escapeHtml(caption)}</caption>` : ''}${rows.join('')}</table>`;
}

/** Four digits. A log may hold null where a loss was not a number. */
function number(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}

function dataUri(type: string, bytes: Uint8Array): string {
  return `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`;
}

/** Text as HTML shows it, within an element as well as within a quoted attribute. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
