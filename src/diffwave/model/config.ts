/** What a DiffWave is: the fields, what they may be, and how files keep them. */
import { UserError } from '../../errors.ts';
import { COUNT, POSITIVE, applyRules, isCount, oneOf } from '../rules.ts';
import type { Rule } from '../rules.ts';
import type { ScheduleConfig } from '../schedule/config.ts';
import { SCHEDULE_BEFORE_CHOICE, SCHEDULE_RULES, validateSchedule } from '../schedule/config.ts';

/** The model. All of it is kept in the metadata of a weights file. */
export interface DiffWaveConfig extends ScheduleConfig {
  readonly layers: number; // residual layers
  readonly channels: number; // C, of the residual stream; the convolutions have 2C
  readonly kernelSize: number; // K, taps of the dilated convolution, odd
  readonly dilationCycle: number; // layer i dilates by 2^(i mod dilationCycle)
  readonly encoding: 'transformer' | 'diffwave'; // of the step t: Vaswani et al. 2017 or Kong et al. 2021
  readonly encodingWidth: number; // numbers that t is encoded into, even
  readonly embeddingWidth: number; // H, of both layers of the MLP behind the encoding
  readonly loss: 'mse' | 'l1'; // mean of squares (Ho et al., eq. 14) or of absolute values (lmnt-com/diffwave)
  readonly sampleRate: number; // Hz, of what is learned and sampled
}

export const DEFAULT_SAMPLE_RATE = 22050; // Hz, of GTZAN and of the speech that DiffWave was published with

/** What each field may be; `validateConfig` also knows which go together. */
export const MODEL_RULES: Record<keyof DiffWaveConfig, Rule> = {
  layers: COUNT,
  channels: COUNT,
  kernelSize: { accepts: (value) => isCount(value) && value % 2 === 1, wanted: 'an odd whole number from 1' },
  // A dilation beyond 2^23 samples is minutes of sound; the bound keeps row offsets within 32 bits.
  dilationCycle: { accepts: (value) => isCount(value) && value <= 24, wanted: 'a whole number from 1 to 24' },
  encoding: oneOf('transformer', 'diffwave'),
  // Two frequencies at least: `diffwave` divides by their number less one.
  encodingWidth: {
    accepts: (value) => isCount(value) && value >= 4 && value % 2 === 0,
    wanted: 'an even whole number from 4',
  },
  embeddingWidth: COUNT,
  ...SCHEDULE_RULES,
  loss: oneOf('mse', 'l1'),
  sampleRate: POSITIVE,
};

/** Throws a UserError with the field, what was wanted and what came. `where` is the file or flags it came from. */
export function validateConfig(config: DiffWaveConfig, where: string): void {
  applyRules({ values: config, rules: MODEL_RULES, where });
  validateSchedule(config, where);
}

/** The model's part of a file, with the fields that it lacks. Not validated. */
export function completeModel(fields: Partial<DiffWaveConfig>): DiffWaveConfig {
  return { ...SCHEDULE_BEFORE_CHOICE, ...fields } as DiffWaveConfig;
}

/** The text for the metadata entry `config` of a weights file. */
export function configToMetadata(config: DiffWaveConfig): string {
  return JSON.stringify(config, Object.keys(MODEL_RULES));
}

/**
 * The configuration in the metadata entry `config` of a weights file, `json`; `where` is the file. Understands our own
 * field names and those of the golden files (residualLayers, residualChannels, stepEncoding, stepEmbedding: [encoding,
 * hidden, hidden]) and ignores fields that it does not know. A file that says no sample rate is taken to be at
 * 22,050 Hz. Throws a UserError if the entry is absent, is not JSON, or is not a valid configuration.
 */
export function configFromMetadata(json: string | undefined, where: string): DiffWaveConfig {
  const fields = parseObject(json);
  if (!fields) {
    throw new UserError(
      `${where} has no "config" in its metadata. Save the model's configuration there as JSON, or use another file.`,
    );
  }
  const [encodingWidth, embeddingWidth] = Array.isArray(fields.stepEmbedding) ? fields.stepEmbedding : [];
  const named: Record<string, unknown> = {
    sampleRate: DEFAULT_SAMPLE_RATE,
    layers: fields.residualLayers,
    channels: fields.residualChannels,
    encoding: fields.stepEncoding,
    encodingWidth,
    embeddingWidth,
    ...fields,
  };
  const complete: Record<string, unknown> = { ...completeModel(named) };
  const config = Object.fromEntries(Object.keys(MODEL_RULES).map((key) => [key, complete[key]])) as unknown as DiffWaveConfig;
  validateConfig(config, where);
  return config;
}

function parseObject(json: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json ?? 'null');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
