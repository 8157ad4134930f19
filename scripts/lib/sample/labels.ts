/** `--label`, `--labels-over-time` and `--guidance`: what a network with labels is told. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Told } from '../../../src/diffwave/model/contract.ts';
import type { LabelMixture } from '../../../src/diffwave/model/labels.ts';
import { labelsTold } from '../../../src/diffwave/model/labels.ts';
import { UserError } from '../../../src/errors.ts';
import type { CommandSpec, Parsed } from '../cli/flags.ts';

export const labelFlags = {
  label: { type: 'string', placeholder: '<label>', help: 'what to play, of a network with labels: jazz, or a mixture as in jazz:0.7,metal:0.3' },
  labelsOverTime: { type: 'string', placeholder: '<s:label,…>', help: 'labels that become each other along the clip, as in 0:classical,10:metal, times in seconds' },
  guidance: { type: 'number', help: 'how far towards the label: 1 as the network learned it, more exaggerates and takes twice as long (1)' },
} as const satisfies CommandSpec['flags'];

export type LabelFlags = Parsed<{ name: string; summary: string; flags: typeof labelFlags }>['flags'];

/** What the flags tell a network; undefined where there are none. Throws a `UserError` on what it cannot be told. */
export function toldBy({ label, labelsOverTime, guidance }: LabelFlags, config: DiffWaveConfig): Told | undefined {
  if (label !== undefined && labelsOverTime !== undefined) throw new UserError('--label and --labels-over-time say two things at once: give one of them');
  if (label !== undefined) return labelsTold(config, { labels: mixtureFrom(label), guidance });
  if (labelsOverTime !== undefined) return labelsTold(config, { overTime: keysFrom(labelsOverTime, config), guidance });
  if (guidance !== undefined) throw new UserError('--guidance has a meaning only with --label or --labels-over-time');
  return undefined;
}

/** 'jazz:0.7,metal:0.3' */
function mixtureFrom(text: string): LabelMixture {
  const shares = text.split(',').map((part): [string, number] => {
    const [name, share, ...more] = part.split(':');
    const number = share === undefined ? 1 : Number(share);
    if (more.length > 0 || !name || share === '' || !(number >= 0)) throw new UserError(`--label must be a label, or labels with shares as in jazz:0.7,metal:0.3, got ${text}`);
    return [name.trim(), number];
  });
  return Object.fromEntries(shares);
}

/** '0:classical,10:metal' */
function keysFrom(text: string, { sampleRate }: DiffWaveConfig): { sample: number; labels: LabelMixture }[] {
  const keys = text.split(',').map((part) => {
    const [time, name, ...more] = part.split(':');
    const seconds = Number(time);
    if (more.length > 0 || !name || time === '' || !(seconds >= 0)) throw new UserError(`--labels-over-time must be seconds and labels as in 0:classical,10:metal, got ${text}`);
    return { sample: Math.round(seconds * sampleRate), labels: { [name.trim()]: 1 } };
  });
  if (keys.some(({ sample }, i) => i > 0 && sample <= keys[i - 1]!.sample)) throw new UserError(`--labels-over-time must go forward in time, got ${text}`);
  return keys;
}
