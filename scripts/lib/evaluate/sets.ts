/** What an evaluation measures with: the tracks that were trained on, and those that were not. */
import { existsSync } from 'node:fs';
import { datasetFrom } from '../../../src/dataset/dataset.node.ts';
import type { Dataset } from '../../../src/dataset/dataset.ts';
import { contentFingerprint } from '../../../src/dataset/identity.node.ts';
import type { DatasetOptions } from '../../../src/dataset/options.ts';
import type { ClipSource } from '../../../src/diffwave/data/clips.ts';
import { labelled } from '../../../src/diffwave/data/labels.ts';
import type { Split, TrackedClips } from '../../../src/diffwave/data/split.ts';
import { splitByTrack } from '../../../src/diffwave/data/split.ts';
import type { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { preparationOf } from '../../../src/diffwave/files/run.node.ts';
import { UserError } from '../../../src/errors.ts';
import { labelsOfRun } from '../train/labels.ts';

export interface Sets {
  readonly training: ClipSource;
  readonly heldOut: ClipSource;
  readonly files: readonly string[]; // of the held-out tracks
  readonly sampleRate: number;
  readonly options: DatasetOptions; // how recordings became clips
}

export interface SetsFrom {
  readonly run?: RunFolder;
  /** Data set or folder of music; the run's own by default. */
  readonly data?: string;
  /** Music that was not trained on, in place of the tracks that the run kept back. */
  readonly heldOut?: string;
  readonly print: (line: string) => void;
}

/**
 * The tracks that the run kept back are a function of its data, its seed, their number, and whether copies were kept together. Throws a `UserError` if there is nothing
 * that was not trained on, or rates differ.
 */
export async function setsFrom({ run, data = run?.config.data, heldOut, print }: SetsFrom): Promise<Sets> {
  if (data === undefined) throw new UserError('`data` is required without a `run`: what the samples shall be like');
  if (data === run?.config.data && !existsSync(data)) throw new UserError(`the run's data, ${data}, is not there: say where it is with \`data\``);
  const preparation = run ? preparationOf(run.config) : {};
  const dataset = await datasetFrom(data, preparation, print);
  const { sampleRate, manifest: { options } } = dataset;
  if (run && run.config.model.sampleRate !== sampleRate) {
    throw new UserError(`the run was trained at ${run.config.model.sampleRate} Hz, but ${data} has ${sampleRate} Hz`);
  }
  const common = { sampleRate, options };
  const split = splitOf(knowingClasses(dataset, run), { fingerprint: contentFingerprint(dataset), run, print, isNeeded: heldOut === undefined });
  if (heldOut !== undefined) {
    const others = await datasetFrom(heldOut, options, print);
    if (others.sampleRate !== sampleRate) throw new UserError(`${heldOut} has ${others.sampleRate} Hz, but ${data} has ${sampleRate} Hz`);
    return { ...common, training: split.training, heldOut: knowingClasses(others, run), files: [...new Set(others.manifest.clips.map(({ file }) => file))] };
  }
  return { ...common, training: split.training, heldOut: split.validation!, files: split.files };
}

/** The data with the run's labels, where all of their tracks have one. */
function knowingClasses(dataset: Dataset, run: RunFolder | undefined): TrackedClips {
  const classes = run?.config.model.labels;
  if (!classes) return dataset;
  const files = [...new Set(dataset.manifest.clips.map(({ file }) => file))];
  const labels = labelsOfRun(run, files);
  return files.every((file) => classes.includes(labels.get(file) ?? '')) ? labelled(dataset, labels, classes) : dataset;
}

function splitOf(dataset: TrackedClips, { fingerprint, run, print, isNeeded }: { fingerprint: string; run?: RunFolder; print: (line: string) => void; isNeeded: boolean }): Split {
  const { seed, batchSize } = run?.config.training ?? { seed: 0, batchSize: 1 };
  const trainedOn = run?.dataOfNewest();
  const isOther = trainedOn !== undefined && trainedOn !== fingerprint;
  if (isOther) print('note: this is not the data that the run was trained on: tracks to measure from are chosen anew');
  const tracks = run && !isOther ? run.config.validationTracks ?? 0 : isNeeded ? undefined : 0;
  const copiesTogether = run && !isOther ? run.config.copiesTogether ?? false : true;
  const split = splitByTrack(dataset, { tracks, seed, leastClips: batchSize, copiesTogether });
  if (isNeeded && !split.validation) {
    const why = run && !isOther ? 'the run kept no track back' : split.note ?? 'there is one track only';
    throw new UserError(`there is nothing to measure from that was not trained on (${why}): give a folder of other music with \`heldOut\``);
  }
  return split;
}
