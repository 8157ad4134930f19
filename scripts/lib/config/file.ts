/** `--config file.json`: a network and its training in a file, which is the config.json of a run or a part of one. */
import type { DatasetOptions } from '../../../src/dataset/options.ts';
import { DUPLICATES, withOptions } from '../../../src/dataset/options.ts';
import { parseJsonFile } from '../../../src/disk/files.node.ts';
import type { RunConfig } from '../../../src/diffwave/files/run.node.ts';
import { formatVersion } from '../../../src/diffwave/files/run.node.ts';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { MODEL_RULES, completeModel, validateConfig } from '../../../src/diffwave/model/config.ts';
import type { Preset } from '../../../src/diffwave/presets.ts';
import { PRESETS, dataOfOldRuns } from '../../../src/diffwave/presets.ts';
import type { Rule } from '../../../src/diffwave/rules.ts';
import { COUNT, POSITIVE, POSITIVE_OR_NULL, WHOLE, applyRules, oneOf } from '../../../src/diffwave/rules.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import { TRAINING_RULES, completeTraining } from '../../../src/diffwave/training/config.ts';
import { UserError } from '../../../src/errors.ts';
import { nearest } from '../cli/flags.ts';

export const configFlag = {
  type: 'string', placeholder: '<file>',
  help: 'JSON with fields of the network and the training, such as the config.json of a run; flags win over it, it wins over the preset',
} as const;

/** What a file says; what it does not say is the preset's. */
export interface ConfigFile extends Partial<Pick<RunConfig, 'preset' | 'data' | 'validationTracks' | 'memoryLimit' | 'labels'>> {
  readonly path: string;
  readonly model: Partial<DiffWaveConfig>;
  readonly training: Partial<TrainingConfig>;
  readonly preparation: Partial<DatasetOptions>;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const OBJECT: Rule = { accepts: isObject, wanted: 'an object' };

const FILE_RULES: Record<keyof RunConfig, Rule> = {
  format: { accepts: (value) => value === formatVersion, wanted: `${formatVersion}, or left out` },
  preset: oneOf(...Object.keys(PRESETS)),
  model: OBJECT,
  training: OBJECT,
  data: { accepts: (value) => typeof value === 'string' && value !== '', wanted: 'a path' },
  preparation: OBJECT,
  validationTracks: WHOLE,
  copiesTogether: { accepts: (value) => typeof value === 'boolean', wanted: 'true or false' },
  memoryLimit: COUNT,
  labels: { accepts: (value) => typeof value === 'string' && value !== '', wanted: 'folders, or a path' },
};

const PREPARATION_RULES: Record<keyof DatasetOptions, Rule> = {
  sampleRate: COUNT, seconds: POSITIVE_OR_NULL, downsample: COUNT, splits: COUNT, clipSeconds: POSITIVE, duplicates: oneOf(...DUPLICATES),
};

/**
 * Reads a file for `--config`. One with a `format` is a run's: what runs of earlier versions lack means what it meant to
 * them, and not what presets are now. Throws a `UserError` that names the file and the first field that is unknown or wrong.
 */
export function readConfigFile(path: string): ConfigFile {
  const content = parseJsonFile<Partial<RunConfig>>(path);
  if (!isObject(content)) throw new UserError(`${path}: wanted an object with fields such as model and training`);
  checkFields(content, FILE_RULES, { where: path, of: 'the file' });
  const { preset, data, validationTracks, memoryLimit, labels } = content;
  const isRun = content.format !== undefined;
  const model: Partial<DiffWaveConfig> = isRun ? completeModel(content.model ?? {}) : content.model ?? {};
  const training: Partial<TrainingConfig> = isRun ? completeTraining(content.training ?? {}) : content.training ?? {};
  const preparation: Partial<DatasetOptions> = content.preparation ?? (isRun ? dataOfOldRuns(preset ?? 'gtzan') : {});
  checkFields(model, MODEL_RULES, { where: path, of: 'model' });
  checkFields(training, TRAINING_RULES, { where: path, of: 'training' });
  checkFields(preparation, PREPARATION_RULES, { where: path, of: 'preparation' });
  return { path, preset, data, validationTracks, memoryLimit, ...(labels !== undefined && { labels }), model, training, preparation };
}

/** Every field must be known and right; none need be there. */
function checkFields<T extends object>(
  values: T, rules: Readonly<Record<string, Rule>>, { where, of }: { where: string; of: string },
): void {
  const names = Object.keys(values);
  for (const name of names.filter((name) => !Object.hasOwn(rules, name))) {
    const guess = nearest(name, Object.keys(rules));
    throw new UserError(`${where}: ${of} has no field ${name}${guess ? `, did you mean ${guess}?` : `; there are ${Object.keys(rules).join(', ')}`}`);
  }
  applyRules({ values, rules: Object.fromEntries(names.map((name) => [name, rules[name]!])) as Record<keyof T, Rule>, where });
}

/** The preset as a file changes it. Throws a `UserError` if they make no network together. */
export function withFile(preset: Preset, file: ConfigFile | undefined): Preset {
  if (!file) return preset;
  const model = { ...preset.model, ...file.model };
  validateConfig(model, file.path);
  return { model, training: { ...preset.training, ...file.training }, data: withOptions(preset.data, file.preparation) };
}

/** What a file and the flags beside it ask for. */
export interface Wanted extends Pick<RunConfig, 'model' | 'training' | 'validationTracks'> {
  readonly preset: string | undefined;
}

/**
 * A run is what it began as: throws a `UserError` with the first field of the file that says something else, unless `wanted`
 * has another value there: then a flag says otherwise, and flags are looked at by themselves.
 */
export function refuseOther(file: ConfigFile, wanted: Wanted, run: { readonly path: string; readonly config: RunConfig }): void {
  const of = ({ preset, validationTracks }: Wanted | ConfigFile) => ({ preset, validationTracks });
  const parts = [
    [of(file), of(wanted), { ...of(run.config), validationTracks: run.config.validationTracks ?? 0 }],
    [file.model, wanted.model, run.config.model],
    [file.training, wanted.training, run.config.training],
  ] as readonly (readonly Readonly<Record<string, unknown>>[])[];
  for (const [said, made, has] of parts) {
    for (const [name, value] of Object.entries(said!)) {
      // Whole clips are a wish: the run may have had memory for less.
      if (value === undefined || (name === 'cropSamples' && value === null)) continue;
      if (!isSame(value, made![name]) || isSame(value, has![name])) continue;
      throw new UserError(
        `${file.path}: ${name} ${JSON.stringify(value)} contradicts the run in ${run.path}, which has ${JSON.stringify(has![name])}: ` +
        'leave it out, or choose another --out',
      );
    }
  }
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
