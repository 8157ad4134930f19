/** What the charts of a report show: columns that share an x axis of updates, with gaps where a series has no value. */
import type { LossPoint } from '../../../src/pictures/lossCurve.ts';
import type { Validation } from '../../../src/diffwave/validation/validation.ts';

export interface ChartSeries {
  readonly label: string;
  readonly color: string; // CSS
  readonly dashed?: boolean;
  readonly width?: number; // pixels; default 2
}

/** A chart, as `client.js` draws it. */
export interface Chart {
  readonly id: string; // of the element that it is put into
  readonly logarithmic: boolean;
  readonly series: readonly ChartSeries[];
  /** x first, then a column for every series. */
  readonly columns: readonly (readonly (number | null)[])[];
}

/** A line of log.jsonl. */
export interface LogLine extends LossPoint {
  readonly seconds: number;
}

const trainingColor = '#8a94a6';
const validationColor = '#b23a68';
const zeroColor = '#444b57';
/** From little noise to much: dark violet to amber, each apart from its neighbours for colour-blind eyes as well. */
const binColors = ['#3b1f8c', '#8d2a94', '#c9446b', '#e8743b', '#d9a400'];

/** Training and validation loss. */
export function lossChart(log: readonly LogLine[], validations: readonly Validation[]): Chart {
  const series: ChartSeries[] = [{ label: 'training', color: trainingColor, width: 1.5 }];
  const values = [new Map(log.map(({ step, loss }) => [step, loss]))];
  if (validations.length > 0) {
    series.push({ label: 'validation', color: validationColor });
    values.push(new Map(validations.map(({ step, loss }) => [step, loss])));
  }
  return { id: 'loss', logarithmic: true, series, columns: aligned(values) };
}

/** The bins' losses, solid, and their baselines, dashed. */
export function binsChart(validations: readonly Validation[]): Chart {
  const bins = validations.at(-1)?.bins ?? [];
  const series = bins.flatMap(({ from, to }, i): ChartSeries[] => [
    { label: `t ${from}–${to}`, color: binColors[i % binColors.length]! },
    { label: 'its Wiener', color: binColors[i % binColors.length]!, dashed: true, width: 1 },
  ]);
  const columns = bins.flatMap((_, i) => [
    new Map(validations.map(({ step, bins }) => [step, bins[i]!.loss])),
    new Map(validations.map(({ step, bins }) => [step, bins[i]!.wiener])),
  ]);
  // One line for all bins where it is one number, as it is for ε; the table has them all.
  const zeros = new Set(validations.flatMap(({ bins }) => bins.map(({ zero }) => zero)));
  const ofZero = zeros.size === 1 ? [new Map(validations.map(({ step, bins }) => [step, bins[0]!.zero]))] : [];
  return {
    id: 'bins',
    logarithmic: true,
    series: [...series, ...ofZero.map(() => ({ label: 'predicting zero', color: zeroColor, dashed: true, width: 1 }))],
    columns: aligned([...columns, ...ofZero]),
  };
}

/** Updates per second between two lines of the log. */
export function speedChart(log: readonly LogLine[]): Chart {
  return {
    id: 'speed',
    logarithmic: false,
    series: [{ label: 'updates per second', color: trainingColor, width: 1.5 }],
    columns: aligned([new Map(speeds(log).map(({ step, speed }) => [step, speed]))]),
  };
}

export function speeds(log: readonly LogLine[]): { step: number; speed: number }[] {
  return log.slice(1).flatMap(({ step, seconds }, i) => {
    const before = log[i]!;
    return seconds > before.seconds ? [{ step, speed: (step - before.step) / (seconds - before.seconds) }] : [];
  });
}

/** Columns over the union of all x. A logarithmic axis has no place for zero, and JSON none for NaN: both are gaps. */
function aligned(series: readonly ReadonlyMap<number, number>[]): (number | null)[][] {
  const x = [...new Set(series.flatMap((values) => [...values.keys()]))].sort((a, b) => a - b);
  return [x, ...series.map((values) => x.map((step) => {
    const value = values.get(step) ?? NaN;
    return value > 0 && Number.isFinite(value) ? value : null;
  }))];
}
