/** The folders of tracks as labels of a network. */
import type { Dataset, DiffWaveConfig } from '../../src/web.ts';
import { UserError, expectClasses, knownLabels, labelFields } from '../../src/web.ts';
import type { TrainingWish } from './protocol.ts';

export const tracksOf = ({ manifest }: Dataset): string[] => [...new Set(manifest.clips.map(({ file }) => file))];

/** What the folders of the tracks add to a network. Throws a `UserError` where they are no labels. */
export function labelsWanted({ labels, training }: Pick<TrainingWish, 'labels' | 'training'>, dataset: Dataset): Partial<DiffWaveConfig> {
  if (!labels) return {};
  const tracks = tracksOf(dataset);
  const known = knownLabels(tracks, new Map(), { byFolders: true });
  const without = tracks.find((file) => !known.has(file));
  const hint = 'choose or drop the folder whose folders are the labels';
  if (without !== undefined) throw new UserError(`${without} lies in no folder that could be its label: ${hint}`);
  expectClasses(known, { source: 'a look at the folders', hint });
  return labelFields(known, training);
}
