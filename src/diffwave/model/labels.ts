/** Labels of a network: those that it is given by its data, and what it is told while it samples: one, a mixture, or labels that change along the clip. */
import { UserError, escaped } from '../../errors.ts';
import type { TrackLabels } from '../data/labels.ts';
import { classesOf } from '../data/labels.ts';
import type { DiffWaveConfig } from './config.ts';
import { LABEL_WIDTH, NO_LABEL, isLabelName } from './config.ts';
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

/** 'jazz:0.7,metal:0.3', or one label. Throws a `UserError` that names `what`, where the user typed it, on something else. */
export function labelMixture(text: string, what: string): LabelMixture {
  const shares = text.split(',').map((part): [string, number] => {
    const [name, share, ...more] = part.split(':');
    const number = share === undefined ? 1 : Number(share);
    if (more.length > 0 || !name || share === '' || !(number >= 0)) throw new UserError(`${what} must be a label, or labels with shares as in jazz:0.7,metal:0.3, got ${text}`);
    return [name.trim(), number];
  });
  return Object.fromEntries(shares);
}

/** '0:classical,10:metal', times in seconds, as `overTime` of `labelsTold`. Throws a `UserError` that names `what` on something else. */
export function labelsAlong(text: string, { sampleRate }: Pick<DiffWaveConfig, 'sampleRate'>, what: string): { sample: number; labels: LabelMixture }[] {
  const keys = text.split(',').map((part) => {
    const [time, name, ...more] = part.split(':');
    const seconds = Number(time);
    if (more.length > 0 || !name || time === '' || !(seconds >= 0)) throw new UserError(`${what} must be seconds and labels as in 0:classical,10:metal, got ${text}`);
    return { sample: Math.round(seconds * sampleRate), labels: { [name.trim()]: 1 } };
  });
  if (keys.some(({ sample }, i) => i > 0 && sample <= keys[i - 1]!.sample)) throw new UserError(`${what} must go forward in time, got ${text}`);
  return keys;
}

/** Fields of the network's configuration that labels bring with them. */
export type LabelFields = Pick<DiffWaveConfig, 'conditioner' | 'labels' | 'labelWidth' | 'alwaysLabelled'>;

/** What the network's configuration has of labels. */
export function labelFields(labels: TrackLabels, { labelDropout }: { labelDropout: number }): LabelFields {
  return { conditioner: 'labels', labels: classesOf(labels), labelWidth: LABEL_WIDTH, ...(labelDropout === 0 && { alwaysLabelled: true }) };
}

/** Throws a `UserError` that names `source`, and `hint`s at what to do, where these are fewer than two classes, or one cannot be a name. */
export function expectClasses(labels: TrackLabels, { source, hint }: { source: string; hint: string }): void {
  const classes = classesOf(labels);
  const bad = classes.find((name) => !isLabelName(name));
  if (bad !== undefined) throw new UserError(`"${escaped(bad)}" cannot be a label: a name other than "${NO_LABEL}", without commas and colons, is wanted`);
  if (classes.length >= 2) return;
  throw new UserError(`${source} finds ${classes.length === 0 ? 'none' : `${classes[0]} alone`}, and two classes are the least: ${hint}`);
}
