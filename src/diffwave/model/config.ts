/** What a DiffWave is: the fields, what they may be, and how files keep them. */
import type { Shaping } from '../../audio/shaping.ts';
import { UserError } from '../../errors.ts';
import { COUNT, DECAY, POSITIVE, applyRules, isCount, oneOf, optional } from '../rules.ts';
import type { Rule } from '../rules.ts';
import type { ClipSource } from '../data/clips.ts';
import { unitScale } from '../data/shapedClips.ts';
import type { ScheduleConfig } from '../schedule/config.ts';
import { SCHEDULE_BEFORE_CHOICE, SCHEDULE_RULES, validateSchedule } from '../schedule/config.ts';

/** The model. All of it is kept in the metadata of a weights file. */
export interface DiffWaveConfig extends ScheduleConfig {
  readonly layers: number; // residual layers
  readonly channels: number; // C, of the residual stream; the convolutions have 2C
  readonly kernelSize: number; // K, taps of the dilated convolution, odd
  readonly dilationCycle: number; // layer i dilates by dilationBase^(i mod dilationCycle)
  readonly dilationBase: number; // 2 in the papers; K is the most that leaves no sample of the receptive field unseen
  readonly encoding: 'transformer' | 'diffwave'; // of the step t: Vaswani et al. 2017 or Kong et al. 2021
  readonly encodingWidth: number; // numbers that t is encoded into, even
  readonly embeddingWidth: number; // H, of both layers of the MLP behind the encoding
  readonly loss: 'mse' | 'l1'; // mean of squares (Ho et al., eq. 14) or of absolute values (lmnt-com/diffwave)
  readonly sampleRate: number; // Hz, of what is learned and sampled
  /** Samples are multiplied by it on their way to the network, see audio/shaping.ts; `unit`: by what gives the data an RMS of 1. */
  readonly scale: number | 'unit';
  readonly emphasis: number; // a of the filter before that, 0 for none
  /** What the network is told of a clip besides x_t and t: a label, or its spectrogram. Nothing where it is left out. */
  readonly conditioner?: 'labels' | 'mel';
  readonly labels?: readonly string[]; // names of the classes; "none" is not one of them
  readonly labelWidth?: number; // numbers that a label is embedded into
  readonly alwaysLabelled?: boolean; // training told every item its label: the network does not know what to do without
  readonly melBands?: number; // of the spectrogram
  readonly hopSamples?: number; // from one of its frames to the next, a product as it is upsampled twice: see `upsamplingOf`
}

export const DEFAULT_SAMPLE_RATE = 22050; // Hz, of GTZAN and of the speech that DiffWave was published with

/** A dilation beyond it is minutes of sound; the bound keeps row offsets within 32 bits. */
const mostDilation = 2 ** 23;

/** Numbers that a label is embedded into where nobody says. */
export const LABEL_WIDTH = 128;

/** What a label is called where there is none. */
export const NO_LABEL = 'none';

const LABELS: Rule = {
  accepts: (value) => Array.isArray(value) && value.length > 0 && new Set(value).size === value.length && value.every(isLabelName),
  wanted: `a list of different names other than "${NO_LABEL}", without commas, colons or control characters`,
};

/** Whether a class can have this name: `--label` lists them with commas, and gives them weights behind a colon. */
export function isLabelName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.trim() === value && value !== NO_LABEL && !/[,:\p{Cc}]/u.test(value);
}

/**
 * The factors by which a spectrogram is upsampled one after the other, whose frames are so many samples apart: the two whole numbers
 * from 2 that are nearest to each other, the smaller one first, such as 16 and 16 for 256, and 10 and 20 for 200. undefined where
 * there are none.
 */
export function upsamplingOf(hopSamples: number): readonly [first: number, second: number] | undefined {
  for (let first = Math.floor(Math.sqrt(hopSamples)); first >= 2; first--) {
    if (hopSamples % first === 0) return [first, hopSamples / first];
  }
  return undefined;
}

/** The nearest hops below and above that are a product. */
function hopsBeside(hopSamples: number): number[] {
  const next = (by: 1 | -1): number => {
    let hop = hopSamples + by;
    while (hop > 0 && !upsamplingOf(hop)) hop += by;
    return hop;
  };
  return [next(-1), next(1)].filter((hop) => hop > 0);
}

/** What each field may be; `validateConfig` also knows which go together. */
export const MODEL_RULES: Readonly<Record<keyof DiffWaveConfig, Rule>> = {
  layers: COUNT,
  channels: COUNT,
  kernelSize: { accepts: (value) => isCount(value) && value % 2 === 1, wanted: 'an odd whole number from 1' },
  dilationCycle: { accepts: (value) => isCount(value) && value <= 24, wanted: 'a whole number from 1 to 24' },
  dilationBase: { accepts: (value) => isCount(value) && value <= 16, wanted: 'a whole number from 1 to 16' },
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
  scale: { accepts: (value) => value === 'unit' || POSITIVE.accepts(value), wanted: 'a number above 0, or "unit"' },
  emphasis: DECAY,
  conditioner: optional(oneOf('labels', 'mel')),
  labels: optional(LABELS),
  labelWidth: optional(COUNT),
  alwaysLabelled: optional({ accepts: (value) => typeof value === 'boolean', wanted: 'true or false' }),
  melBands: optional(COUNT),
  hopSamples: optional(COUNT),
};

/** The fields that each conditioner needs, and nothing else has. */
const CONDITIONER_FIELDS = { labels: ['labels', 'labelWidth'], mel: ['melBands', 'hopSamples'] } as const;

/** Throws a UserError with the field, what was wanted and what came. `where` is the file or flags it came from. */
export function validateConfig(config: DiffWaveConfig, where: string): void {
  applyRules({ values: config, rules: MODEL_RULES, where });
  const { layers, dilationCycle, dilationBase } = config;
  if (dilationBase ** (Math.min(layers, dilationCycle) - 1) > mostDilation) {
    throw new UserError(`${where}: dilationBase ${dilationBase} and dilationCycle ${dilationCycle} make dilations above ${mostDilation}: take less of either.`);
  }
  for (const [conditioner, fields] of Object.entries(CONDITIONER_FIELDS)) {
    for (const field of fields) {
      if ((config[field] !== undefined) === (config.conditioner === conditioner)) continue;
      throw new UserError(config.conditioner === conditioner
        ? `${where}: conditioner "${conditioner}" needs ${field}.`
        : `${where}: ${field} is for the conditioner "${conditioner}", which is ${config.conditioner === undefined ? 'left out' : `"${config.conditioner}"`}.`);
    }
  }
  const { hopSamples } = config;
  if (hopSamples !== undefined && !upsamplingOf(hopSamples)) {
    throw new UserError(`${where}: hopSamples must be a product of two whole numbers from 2, as spectrograms are upsampled twice, got ${hopSamples}: the nearest are ${hopsBeside(hopSamples).join(' and ')}.`);
  }
  if (config.alwaysLabelled !== undefined && config.conditioner !== 'labels') throw new UserError(`${where}: alwaysLabelled is for the conditioner "labels".`);
  validateSchedule(config, where);
}

/** The configuration for these data: at their rate, and with a number for the scale where it is to be found in them. */
export function configFor(config: DiffWaveConfig, data: ClipSource & { readonly sampleRate: number }): DiffWaveConfig & { scale: number } {
  const { emphasis, scale } = config;
  return { ...config, sampleRate: data.sampleRate, scale: scale === 'unit' ? unitScale(data, emphasis) : scale };
}

/** What sound is before the network sees it. Throws a `UserError` where the data have to say it and nobody has asked them. */
export function shapingOf({ scale, emphasis }: DiffWaveConfig): Shaping {
  if (scale === 'unit') throw new UserError('configuration: scale "unit" must become a number before there can be a network: `configFor(config, dataset)` takes it from the data');
  return { scale, emphasis };
}

/** The model's part of a file, with the fields that it lacks. Not validated. */
export function completeModel(fields: Partial<DiffWaveConfig>): DiffWaveConfig {
  const told = fields.conditioner === 'labels' && { labelWidth: LABEL_WIDTH };
  return { ...SCHEDULE_BEFORE_CHOICE, dilationBase: 2, scale: 1, emphasis: 0, ...told, ...fields } as DiffWaveConfig;
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
  const known = Object.keys(MODEL_RULES).map((key) => [key, complete[key]]).filter(([, value]) => value !== undefined);
  const config = Object.fromEntries(known) as unknown as DiffWaveConfig;
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
