/** Training for a minute: first losses as on the reference curve, then the loss has to fall. */
import { digits } from '../../lib/report.ts';
import { comparedUpdates, curveOf, firstFault, referenceCurves } from '../curve.ts';
import type { Part } from '../part.ts';

/** Seconds of the long training. */
const usualSeconds = 60;

/** The means of so many losses are compared: one alone depends on which t were drawn. */
const window = 50;

/** How much higher than the reference's the mean of a window may be. */
const slack = 1.1;

/** From so many updates on, the mean of the last ones must be below this part of the first loss: the untrained network's is 1. */
const fallen = { after: 300, share: 0.3 };

export const training: Part = async (context) => {
  const { gpu } = await context.machine();
  const { small, full } = referenceCurves();
  const told = { variant: gpu.variant.variant, tile: gpu.variant.tile, precision: 'float32' };

  const { losses: wanted, ...sizes } = small;
  const updates = context.small ? comparedUpdates : wanted.length;
  const short = await curveOf(gpu, sizes, { updates });
  const fault = firstFault(short.losses, wanted.slice(0, comparedUpdates), 'float32');
  if (fault) context.wrong(fault);
  for (let at = window; at + window <= short.losses.length; at += window) {
    const [got, reference] = [mean(short.losses.slice(at, at + window)), mean(wanted.slice(at, at + window))];
    if (!(got <= slack * reference)) context.wrong(`${sizes.preset}: mean loss of updates ${at + 1} to ${at + window} is ${digits(got)}, the reference's ${digits(reference)}`);
  }
  context.row('curve', { ...sizes, ...told, losses: [...short.losses] });
  context.line(`${sizes.preset}: ${short.updates} updates on the reference curve${fault ? ', not on it' : ''}, loss ${digits(short.losses[0]!)} → ${digits(mean(short.losses.slice(-window)))}`);
  if (context.small) return;

  const { losses: first, ...real } = full;
  const seconds = Math.min(usualSeconds, context.left - 5);
  const long = await curveOf(gpu, real, { updates: 100_000, seconds });
  const wrong = long.updates <= 4096 ? firstFault(long.losses, first, 'float32') : undefined; // the ring has forgotten them else
  if (wrong) context.wrong(`${real.preset}: ${wrong}`);
  const last = mean(long.losses.slice(-window));
  if (long.updates >= fallen.after && !(last < fallen.share * first[0]!)) {
    context.wrong(`${real.preset}: after ${long.updates} updates the mean loss is ${digits(last)}, and should be below ${digits(fallen.share * first[0]!)}`);
  }
  context.row('curve', { ...real, ...told, updates: long.updates, seconds: long.seconds, losses: thinned(long.losses) });
  context.line(`${real.preset}: ${long.updates} updates in ${digits(long.seconds)} s, mean of the last losses ${digits(last)}`);
};

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

/** At most 400 means of neighbours: a curve, not every point of it. */
function thinned(losses: Float32Array): number[] {
  const each = Math.ceil(losses.length / 400);
  return Array.from({ length: Math.ceil(losses.length / each) }, (_, i) => mean(losses.slice(i * each, (i + 1) * each)));
}
