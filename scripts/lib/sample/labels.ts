/** `--label`, `--labels-over-time` and `--guidance`: what a network with labels is told. */
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import type { Told } from '../../../src/diffwave/model/contract.ts';
import { labelMixture, labelsAlong, labelsTold } from '../../../src/diffwave/model/labels.ts';
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
  if (label !== undefined) return labelsTold(config, { labels: labelMixture(label, '--label'), guidance });
  if (labelsOverTime !== undefined) return labelsTold(config, { overTime: labelsAlong(labelsOverTime, config, '--labels-over-time'), guidance });
  if (guidance !== undefined) throw new UserError('--guidance has a meaning only with --label or --labels-over-time');
  return undefined;
}
