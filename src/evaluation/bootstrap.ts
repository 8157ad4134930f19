/** How much a figure would change with other samples. */
import { streams } from '../diffwave/streams.ts';
import { uniform } from '../random.ts';
import { quantile } from '../statistics.ts';

/** Lower and upper end of a 95 % interval. */
export type Interval = readonly [low: number, high: number];

/**
 * 95 % intervals of figures by the bootstrap (Efron, Annals of Statistics 7(1), 1979): the members of a set are drawn anew with
 * replacement, as many as there are, again and again, and the middle 95 % of what the figures become is the interval. Members are
 * whole samples, as frames of one sample are like each other.
 *
 * A drawn set has fewer different members than the set itself, so a distance that is too large for few members is larger still. The
 * interval is therefore moved by as much as the drawn figures are larger on average than the figure itself: it is around the figure that
 * this number of samples gives, which is what the references beside it have as well.
 *
 * @param figures of the members with these indices: numbers, always the same ones; draws of which one is NaN, as a distance of members from
 *   each other is where all are the same, do not count for it
 * @returns an interval for every figure
 */
export function bootstrap<Key extends string>(
  count: number,
  figures: (members: readonly number[]) => Readonly<Record<Key, number>>,
  { seed, draws }: { seed: number; draws: number },
): Record<Key, Interval> {
  const own = figures(Array.from({ length: count }, (_, i) => i));
  const drawn = Array.from({ length: draws }, (_, step) => figures(Array.from({ length: count }, (_, index) =>
    Math.floor(count * uniform({ seed, stream: streams.evaluationBootstrap, step, item: 0, index })))));
  const entries = (Object.keys(own) as Key[]).map((key): [Key, Interval] => {
    const values = drawn.map((each) => each[key]).filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
    const shift = own[key] - values.reduce((sum, value) => sum + value / values.length, 0);
    return [key, [quantile(values, 0.025) + shift, quantile(values, 0.975) + shift]];
  });
  return Object.fromEntries(entries) as Record<Key, Interval>;
}
