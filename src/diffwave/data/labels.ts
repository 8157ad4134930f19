/** Labels of tracks: from the folders that they lie in, as in GTZAN, or from a table. */
import { UserError, escaped } from '../../errors.ts';
import type { TrackedClips } from './split.ts';

/** The label of a track by its file, a path below the data's folder with forward slashes. */
export type TrackLabels = ReadonlyMap<string, string>;

/** The file of a run that has them. */
export const labelsName = 'labels.csv';

/** The first folder of every file. Throws a `UserError` that names a file that lies in none. */
export function labelsOfFolders(files: readonly string[]): TrackLabels {
  return new Map(files.map((file) => {
    const [folder, ...rest] = file.split('/');
    if (rest.length === 0) throw new UserError(`${escaped(file)} lies in no folder that could be its label: give labels in a file, path,label in every line`);
    return [file, folder!];
  }));
}

/**
 * Rows of path and label, as RFC 4180 has them: fields that contain a comma or a quote stand in quotes, quotes in them twice. A first row
 * of the words path and label is a heading. Throws a `UserError` with the line that is none, or that gives a track another label.
 */
export function labelsOfTable(text: string, where: string): TrackLabels {
  const labels = new Map<string, string>();
  for (const [i, line] of text.replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const fields = fieldsOf(line);
    if (fields?.length !== 2) throw new UserError(`${where}: line ${i + 1} must be path,label and is "${escaped(line)}"`);
    const [path, label] = fields as [string, string];
    if (i === 0 && path.toLowerCase() === 'path' && label.toLowerCase() === 'label') continue;
    const file = path.replaceAll('\\', '/').replace(/^\.\//, '');
    const before = labels.get(file);
    if (before !== undefined && before !== label) throw new UserError(`${where}: line ${i + 1} says ${escaped(label)} of ${escaped(file)}, which was ${escaped(before)} before`);
    labels.set(file, label);
  }
  return labels;
}

/** The table that `labelsOfTable` reads. */
export function labelTable(labels: TrackLabels): string {
  const quoted = (field: string): string => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return [['path', 'label'], ...labels].map((row) => row.map(quoted).join(',')).join('\n') + '\n';
}

function fieldsOf(line: string): string[] | undefined {
  const fields: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"|([^",]*?))\s*(,|$)/y;
  for (;;) {
    const found = field.exec(line);
    if (!found) return undefined;
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
    if (found[3] === '') return fields;
  }
}

/** Labels of these files: those that a run has kept, and with `byFolders`, of tracks that came later, their folders. */
export function knownLabels(files: readonly string[], kept: TrackLabels, { byFolders }: { byFolders: boolean }): TrackLabels {
  const known = (file: string): string | undefined => kept.get(file) ?? (byFolders && file.includes('/') ? file.split('/')[0] : undefined);
  return new Map(files.map((file) => [file, known(file)]).filter(([, label]) => label !== undefined) as [string, string][]);
}

/** The different labels, in alphabetical order: classes are counted in it. */
export function classesOf(labels: TrackLabels): string[] {
  return [...new Set(labels.values())].sort();
}

/** Clips that know their class among `classes`. Throws a `UserError` that names a track without a label, or with another one. */
export function labelled<T extends TrackedClips>(clips: T, labels: TrackLabels, classes: readonly string[]): TrackedClips & { label(i: number): number } {
  const { clipCount, clipSamples, trackCount, manifest } = clips;
  const classOf = manifest.clips.map(({ file }) => {
    const label = labels.get(file);
    if (label === undefined) throw new UserError(`${escaped(file)} has no label: name it in the file of labels, or leave it out of the data`);
    const index = classes.indexOf(label);
    if (index < 0) throw new UserError(`${escaped(file)} is labelled ${escaped(label)}, which the network does not know: it has ${classes.join(', ')}`);
    return index;
  });
  return { clipCount, clipSamples, trackCount, manifest, clip: (i) => clips.clip(i), label: (i) => classOf[i]! };
}
