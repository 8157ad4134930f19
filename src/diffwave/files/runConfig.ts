/** The config.json of a run: what is trained, how, on what. */
import type { DatasetOptions } from '../../dataset/options.ts';
import { completeOptions } from '../../dataset/options.ts';
import { UserError } from '../../errors.ts';
import type { DiffWaveConfig } from '../model/config.ts';
import { completeModel, validateConfig } from '../model/config.ts';
import { dataOfOldRuns } from '../presets.ts';
import type { TrainingConfig } from '../training/config.ts';
import { completeTraining, validateTraining } from '../training/config.ts';

/** Of config.json. */
export const formatVersion = 1;

export interface RunConfig {
  readonly format: number;
  readonly preset: string;
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
  /** Where the data came from, as the user typed it. */
  readonly data: string;
  /** How recordings became its clips; older runs do not say. */
  readonly preparation?: DatasetOptions;
  /** Tracks that are kept back for validation; older runs have none. */
  readonly validationTracks?: number;
  /** Copies of a track are all kept back or none; runs that do not say so were begun when nobody knew of copies. */
  readonly copiesTogether?: boolean;
  /** Bytes of GPU memory that the user allowed: with another limit a resumed run may round differently. */
  readonly memoryLimit?: number;
  /** Where the labels came from: `folders`, or a file as the user typed it; labels.csv has them. */
  readonly labels?: string;
}

/** How recordings become clips of a run, those that it is resumed with as well as those that it began with. */
export function preparationOf({ preset, preparation }: Pick<RunConfig, 'preset' | 'preparation'>): DatasetOptions {
  return preparation ?? dataOfOldRuns(preset);
}

/** The configuration that a file holds. Throws a `UserError` that names the file and the first field that is wrong. */
export function checkedRunConfig(config: RunConfig, file: string): RunConfig {
  if (config.format !== formatVersion) {
    throw new UserError(`${file}: format ${config.format} is not one that this version reads (${formatVersion})`);
  }
  const model = completeModel(config.model ?? {});
  validateConfig(model, file);
  const training = completeTraining(config.training ?? {});
  validateTraining(training, file);
  const { preset, data, preparation, validationTracks, memoryLimit } = config;
  const wrong = (field: string, wanted: string, has: unknown): UserError =>
    new UserError(`${file}: ${field} must be ${wanted}, not ${JSON.stringify(has) ?? 'left out'}`);
  for (const [field, value] of Object.entries({ preset, data, ...(config.labels !== undefined && { labels: config.labels }) })) if (typeof value !== 'string') throw wrong(field, 'a text', value);
  for (const [field, value] of Object.entries({ validationTracks, memoryLimit })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) throw wrong(field, 'a whole number from 0', value);
  }
  if (preparation !== undefined && (typeof preparation !== 'object' || preparation === null)) throw wrong('preparation', 'an object', preparation);
  if (preparation) completeOptions(preparation);
  return { ...config, model, training };
}
