/** The figures of an evaluation as rows of a table, for the terminal and for the report. */
import type { Interval } from '../../../src/evaluation/bootstrap.ts';
import type { Copies, Figure, Measurement, ScaledFigure } from '../../../src/evaluation/measurement.ts';

/** Texts by column; the last one says what the row comes to. */
export interface FigureRow {
  readonly name: string;
  readonly samples: string;
  readonly interval: string;
  readonly floor: string;
  readonly spectrum: string;
  readonly white: string;
  readonly result: string;
}

export const headings: FigureRow = {
  name: '', samples: 'samples', interval: '95 %', floor: 'other music', spectrum: 'only a spectrum', white: 'white noise', result: '',
};

export function rowsOf({ frechet, modulation, logSpectrum, level, variety }: Measurement, copies: Copies): FigureRow[] {
  const rows = [
    distance('Fréchet distance', frechet, ''),
    distance('modulation, 2–20 Hz', modulation, ' dB'),
    distance('mean log spectrum', logSpectrum, ' dB'),
    {
      ...empty, name: 'level', samples: number(level.samples, ' dB'), interval: between(level.interval), floor: number(level.training, ' dB'),
      result: `${signed(level.samples - level.training)} dB`,
    },
  ];
  if (variety) {
    rows.push({
      ...empty, name: 'variety', samples: number(variety.samples, ' dB'), interval: between(variety.interval), floor: number(variety.training, ' dB'),
      result: `${percent(100 * (variety.samples / variety.training))} of that of clips`,
    });
  }
  const { above, pieces } = foundAgain(copies);
  return [...rows, {
    ...empty, name: 'best match in training', samples: copies.samples.at(-1)!.toFixed(2), floor: copies.heldOut.at(-1)!.toFixed(2),
    result: `${above} of ${pieces} pieces above other music's best`,
  }];
}

/** How many pieces of samples are more like a training clip than any piece of held-out music is. */
export function foundAgain({ samples, heldOut }: Copies): { readonly above: number; readonly pieces: number } {
  const most = heldOut.at(-1)!;
  return { above: samples.filter((match) => match > most).length, pieces: samples.length };
}

const empty = { interval: '', spectrum: '', white: '' };

function distance(name: string, figure: Figure | ScaledFigure, unit: string): FigureRow {
  const { samples, interval, floor, spectrum, white } = figure;
  const range = 'percent' in figure && figure.percentInterval ? ` (${figure.percentInterval.map((value) => (value ?? NaN).toFixed(0)).join(' to ')})` : '';
  return {
    name, samples: number(samples, unit), interval: between(interval), floor: number(floor, unit), spectrum: number(spectrum, unit), white: number(white, unit),
    result: !('percent' in figure) ? '' : hasScale(figure) ? `${percent(figure.percent)}${range}` : 'no scale: other music is no nearer than noise',
  };
}

/** In JSON a figure that was no number is null. */
export function hasScale({ percent: value }: { readonly percent: number | null }): boolean {
  return value !== null && Number.isFinite(value);
}

function number(value: number | null, unit: string): string {
  return value === null ? '–' : `${value.toFixed(1)}${unit}`;
}

function between(interval: Interval | undefined): string {
  return interval ? `${(interval[0] ?? NaN).toFixed(1)} to ${(interval[1] ?? NaN).toFixed(1)}` : '';
}

function percent(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '–' : `${value.toFixed(0)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(1)}`;
}

/** The rows with columns of equal width, under their headings. */
export function tableText(rows: readonly FigureRow[]): string {
  const all = [headings, ...rows];
  const width = (key: keyof FigureRow): number => Math.max(...all.map((row) => row[key].length));
  const columns: readonly (keyof FigureRow)[] = ['samples', 'interval', 'floor', 'spectrum', 'white'];
  return all
    .map((row) => [row.name.padEnd(width('name')), ...columns.map((key) => row[key].padStart(width(key))), row.result].join('   ').trimEnd())
    .join('\n');
}
