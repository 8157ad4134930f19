/** What a network with labels is told while it samples: one label, a mixture, or labels that change along the clip. */
import { UserError, escaped } from '../../errors.ts';
import type { DiffWaveConfig } from './config.ts';
import { NO_LABEL } from './config.ts';
import type { Told } from './contract.ts';

/** How much of each label, by name; "none" is the label of no class. */
export type LabelMixture = Readonly<Record<string, number>>;

/**
 * What sampling tells a network with labels: `labels` for the whole clip, or `overTime`, mixtures at places of the clip in samples,
 * between which they change linearly. Shares count relative to each other; `guidance` is w, 1 by default. Throws a `UserError` on a label
 * that the network does not have, on shares that are none, and where it has no labels.
 */
export function labelsTold(config: DiffWaveConfig, { labels, overTime, guidance }: {
  labels?: LabelMixture; overTime?: readonly { readonly sample: number; readonly labels: LabelMixture }[]; guidance?: number;
}): Told {
  const keys = overTime ?? [{ sample: 0, labels: labels ?? { [NO_LABEL]: 1 } }];
  const rows = keys.map((key) => mixtureRow(config, key.labels));
  const numbers = new Float32Array(rows.length * rows[0]!.length);
  rows.forEach((row, i) => numbers.set(row, i * row.length));
  return { numbers, ...(overTime && { places: overTime.map(({ sample }) => sample) }), ...(guidance !== undefined && { guidance }) };
}

/** The shares of all classes, in the order of the configuration, the last of none; they add up to 1. */
function mixtureRow({ labels, alwaysLabelled }: DiffWaveConfig, mixture: LabelMixture): Float32Array {
  if (!labels) throw new UserError('this network has no labels: train one with `labels`');
  const known = [...labels, ...(alwaysLabelled ? [] : [NO_LABEL])];
  const row = new Float32Array(labels.length + 1);
  const shares = Object.entries(mixture);
  const whole = shares.reduce((sum, [, share]) => sum + share, 0);
  for (const [name, share] of shares) {
    if (!known.includes(name)) throw new UserError(`there is no label "${escaped(name)}": this network knows ${known.join(', ')}`);
    if (!(share >= 0 && whole > 0 && Number.isFinite(whole))) throw new UserError(`the share of the label "${name}" must be a number from 0, and not all of them 0, got ${share}`);
    row[name === NO_LABEL ? labels.length : labels.indexOf(name)] = share / whole;
  }
  return row;
}
