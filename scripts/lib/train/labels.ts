/** `--labels`: where the classes of the tracks come from, and what a run keeps of that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../../src/dataset/dataset.ts';
import type { TrackLabels } from '../../../src/diffwave/data/labels.ts';
import { classesOf, labelTable, labelled, labelsOfFolders, labelsOfTable } from '../../../src/diffwave/data/labels.ts';
import type { TrackedClips } from '../../../src/diffwave/data/split.ts';
import type { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { LABEL_WIDTH, NO_LABEL, isLabelName } from '../../../src/diffwave/model/config.ts';
import { readFileOrExplain, writeFileAtomic } from '../../../src/disk/files.node.ts';
import { UserError, escaped } from '../../../src/errors.ts';
import type { CommandSpec } from '../cli/flags.ts';

export const labelsFlag = {
  type: 'string', placeholder: '<folders|file>',
  help: "teach the network classes: folders takes a track's first folder below --data, a CSV file has path,label in every line",
} as const satisfies CommandSpec['flags'][string];

/** What is kept in a run. */
const tableName = 'labels.csv';
const folders = 'folders';

/** Fields of the network's configuration that labels bring with them. */
export type LabelFields = Pick<DiffWaveConfig, 'conditioner' | 'labels' | 'labelWidth' | 'alwaysLabelled'>;

/**
 * The labels of a data set's tracks: those that are asked for, or those of the run. Throws a `UserError` where a track has none, where
 * there are fewer than two, and where one cannot be a name.
 */
export function trackLabels(dataset: Dataset, { asked, run }: { asked: string | undefined; run: RunFolder | undefined }): TrackLabels | undefined {
  const files = [...new Set(dataset.manifest.clips.map(({ file }) => file))];
  if (asked === undefined) return run?.config.model.labels && labelsOfRun(run, files);
  const labels = asked === folders ? labelsOfFolders(files) : labelsOfTable(new TextDecoder().decode(readFileOrExplain(asked, 'labels')), asked);
  const used = new Map(files.map((file) => [file, labels.get(file)]).filter(([, label]) => label !== undefined) as [string, string][]);
  const classes = classesOf(used);
  const bad = classes.find((name) => !isLabelName(name));
  if (bad !== undefined) throw new UserError(`"${escaped(bad)}" cannot be a label: a name other than "${NO_LABEL}", without commas and colons, is wanted`);
  if (classes.length < 2) {
    const which = classes.length === 0 ? 'none' : `${classes[0]} alone`;
    const hint = asked === folders ? 'give --data the folder whose folders are the classes' : 'paths in it begin below --data';
    throw new UserError(`--labels ${asked} finds ${which}, and two classes are the least: ${hint}`);
  }
  return used;
}

/** Those that a run keeps; of tracks that came later, the folder where its labels are folders. */
export function labelsOfRun(run: RunFolder, files: readonly string[]): TrackLabels {
  const path = join(run.path, tableName);
  const kept = existsSync(path) ? labelsOfTable(new TextDecoder().decode(readFileOrExplain(path, 'labels')), path) : new Map<string, string>();
  const known = (file: string): string | undefined => kept.get(file) ?? (run.config.labels === folders ? file.split('/')[0] : undefined);
  return new Map(files.map((file) => [file, known(file)]).filter(([, label]) => label !== undefined) as [string, string][]);
}

/** Writes the labels into a run, so that it can be gone on with and evaluated without the file that they came from. */
export function keepLabels(run: RunFolder, labels: TrackLabels): void {
  writeFileAtomic(join(run.path, tableName), labelTable(labels));
}

/** What the network's configuration has of labels. */
export function labelFields(labels: TrackLabels, { labelDropout }: { labelDropout: number }): LabelFields {
  return { conditioner: 'labels', labels: classesOf(labels), labelWidth: LABEL_WIDTH, ...(labelDropout === 0 && { alwaysLabelled: true }) };
}

/** The data set, its clips knowing their classes where there are labels. */
export function withLabels(dataset: Dataset, labels: TrackLabels | undefined, classes: readonly string[] | undefined): TrackedClips {
  return labels && classes ? labelled(dataset, labels, classes) : dataset;
}

/** 'labels    3: blues (40 tracks), jazz (38), metal (40)'. */
export function labelsLine(labels: TrackLabels): string {
  const shown = 12;
  const classes = classesOf(labels);
  const count = (name: string): number => [...labels.values()].filter((label) => label === name).length;
  const more = classes.length > shown ? ` and ${classes.length - shown} more` : '';
  return `labels    ${classes.length}: ${classes.slice(0, shown).map((name, i) => `${name} (${count(name)}${i === 0 ? ' tracks' : ''})`).join(', ')}${more}`;
}
