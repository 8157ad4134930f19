/** What is printed about the kernels' sizes. */
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { TileSizes } from '../../../src/gpu/device/variant.ts';
import { defaultTile } from '../../../src/gpu/device/variant.ts';
import type { TunedEntry } from '../../../src/tuning/entries.ts';
import type { Trial, Tuning } from '../../../src/tuning/tuning.ts';
import { gainOf } from '../../../src/tuning/tuning.ts';

/** '128 rows × 8 deep', and what is not the default's. */
export function sizesText({ rows, deep, gradientGroups, prefetch }: TileSizes): string {
  const sums = gradientGroups === defaultTile.gradientGroups ? '' : `, ${gradientGroups} workgroups a weight gradient`;
  return `${rows} rows × ${deep} deep${prefetch ? ', prefetched' : ''}${sums}`;
}

/** '12 % faster than the default'. */
export function gainText(tile: TileSizes, gain: number | null | undefined): string {
  if (sizesText(tile) === sizesText(defaultTile)) return 'the default';
  return typeof gain === 'number' ? `${(100 * gain).toFixed(0)} % faster than the default` : 'the default was refused';
}

/** One line: 'tuning … 1.4 s: 128 rows × 8 deep, 12 % faster than the default'. */
export function tuningLine(tuning: Tuning): string {
  const { best, trials, seconds } = tuning;
  const outcome = best
    ? `${sizesText(best.tile)}, ${gainText(best.tile, gainOf(tuning))}`
    : `no tile kernels pass (${trials[0]?.refused}), so the naive ones are used`;
  return `tuning … ${seconds.toFixed(1)} s: ${outcome}`;
}

/** A line for every candidate: its sizes, its time and that of the default over it; what it was refused for. */
export function trialTable({ trials, best }: Tuning): string {
  const usual = trials[0]?.seconds;
  const cells = (trial: Trial): string[] => {
    const { tile: { rows, deep, gradientGroups, prefetch }, seconds, refused } = trial;
    const times = seconds === undefined
      ? ['–', '–']
      : [`${(1000 * seconds).toPrecision(3)} ms`, usual === undefined ? '–' : `${(usual / seconds).toFixed(2)} ×`];
    return [String(rows), String(deep), String(gradientGroups), prefetch ? 'yes' : 'no', ...times, refused ?? (trial === best ? 'chosen' : '')];
  };
  const table = [['rows', 'deep', 'workgroups', 'prefetch', 'time', 'speed', ''], ...trials.map(cells)];
  const last = table[0]!.length - 1;
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) => row.map((cell, column) => (column === last ? cell : cell.padStart(widths[column]!))).join('  ').trimEnd())
    .join('\n');
}

/** Which kernels an adapter has and where that comes from, a line each; `tuned` is what `path` has for it. */
export function choiceLines(gpu: Pick<Gpu, 'isSoftware' | 'variant'>, tuned: readonly TunedEntry[], path: string): string[] {
  const { variant, lanes, tile } = gpu.variant;
  const kind = gpu.isSoftware ? 'software adapters' : 'GPUs';
  const chosen = `chosen    ${variant}${variant === 'broadcast' ? `, ${lanes} lanes` : ''}: the fixed table's for ${kind}`;
  if (variant !== 'tile') return [chosen];
  const sizes = (text: string): string => `sizes     ${text}`;
  const entries = tuned.map((entry) => sizes(
    `C = ${entry.channels}, K = ${entry.kernelSize}: ${sizesText(entry.tile)}, ${gainText(entry.tile, entry.gain)} ` +
    `(tuned ${entry.date.slice(0, 10)}, ${path})`,
  ));
  return [chosen, ...entries, sizes(`other networks: ${sizesText(tile)}, the default until they are tuned`)];
}
