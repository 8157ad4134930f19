/** `--labels`: where the classes of the tracks come from, and what a run keeps of that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../../src/dataset/dataset.ts';
import type { TrackLabels } from '../../../src/diffwave/data/labels.ts';
import { classesOf, knownLabels, labelTable, labelled, labelsName, labelsOfFolders, labelsOfTable } from '../../../src/diffwave/data/labels.ts';
import type { TrackedClips } from '../../../src/diffwave/data/split.ts';
import type { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { expectClasses } from '../../../src/diffwave/model/labels.ts';
import { readFileOrExplain, writeFileAtomic } from '../../../src/disk/files.node.ts';
import type { CommandSpec } from '../cli/flags.ts';

export const labelsFlag = {
  type: 'string', placeholder: '<folders|file>',
  help: "teach the network classes: folders takes a track's first folder below --data, a CSV file has path,label in every line",
} as const satisfies CommandSpec['flags'][string];

const folders = 'folders';

/**
 * The labels of a data set's tracks: those that are asked for, or those of the run. Throws a `UserError` where a track has none, where
 * there are fewer than two, and where one cannot be a name.
 */
export function trackLabels(dataset: Dataset, { asked, run }: { asked: string | undefined; run: RunFolder | undefined }): TrackLabels | undefined {
  const files = [...new Set(dataset.manifest.clips.map(({ file }) => file))];
  if (asked === undefined) return run?.config.model.labels && labelsOfRun(run, files);
  const labels = asked === folders ? labelsOfFolders(files) : labelsOfTable(new TextDecoder().decode(readFileOrExplain(asked, 'labels')), asked);
  const used = new Map(files.map((file) => [file, labels.get(file)]).filter(([, label]) => label !== undefined) as [string, string][]);
  const hint = asked === folders ? 'give --data the folder whose folders are the classes' : 'paths in it begin below --data';
  expectClasses(used, { source: `--labels ${asked}`, hint });
  return used;
}

/** Those that a run keeps; of tracks that came later, the folder where its labels are folders. */
export function labelsOfRun(run: RunFolder, files: readonly string[]): TrackLabels {
  const path = join(run.path, labelsName);
  const kept = existsSync(path) ? labelsOfTable(new TextDecoder().decode(readFileOrExplain(path, 'labels')), path) : new Map<string, string>();
  return knownLabels(files, kept, { byFolders: run.config.labels === folders });
}

/** Writes the labels into a run, so that it can be gone on with and evaluated without the file that they came from. */
export function keepLabels(run: RunFolder, labels: TrackLabels): void {
  writeFileAtomic(join(run.path, labelsName), labelTable(labels));
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
