/** What a DiffWave is, on what it is trained, the presets, and what follows from a configuration alone. */
import { UserError } from '../../errors.ts';
import { COUNT, POSITIVE, applyRules, isCount, oneOf } from '../rules.ts';
import type { Rule } from '../rules.ts';
import type { ScheduleConfig } from '../schedule/config.ts';
import { SCHEDULE_BEFORE_CHOICE, SCHEDULE_RULES, validateSchedule } from '../schedule/config.ts';
import { TRAINING } from '../training/config.ts';
import type { TrainingConfig } from '../training/config.ts';

export { completeTraining, validateTraining } from '../training/config.ts';
export type { TrainingConfig } from '../training/config.ts';

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

/** How WAV files become clips. */
export interface DataConfig {
  readonly downsample: number; // whole factor by which the sample rate is divided
  readonly splits: number; // clips that a recording is cut into
  readonly seconds: number; // of each recording that are used
}

/** A named set of all three. */
export interface Preset {
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
  readonly data: DataConfig;
}

const DEFAULT_SAMPLE_RATE = 22050; // Hz, of GTZAN and of the speech that DiffWave was published with

const MODEL: DiffWaveConfig = {
  layers: 10,
  channels: 64,
  kernelSize: 3,
  dilationCycle: 10,
  encoding: 'transformer',
  encodingWidth: 128,
  embeddingWidth: 512,
  diffusionSteps: 200,
  schedule: 'linear',
  betaStart: 1e-4,
  betaEnd: 0.02,
  betas: null,
  zeroTerminalSnr: false,
  prediction: 'epsilon',
  loss: 'mse',
  sampleRate: DEFAULT_SAMPLE_RATE,
};

const DATA: DataConfig = { downsample: 3, splits: 6, seconds: 30 };
const AS_RECORDED: DataConfig = { downsample: 1, splits: 1, seconds: 30 };

/** The presets by name. */
export const PRESETS = {
  /** Music of GTZAN's kind: half-minute recordings at 22,050 Hz become six clips of five seconds at 7,350 Hz. */
  gtzan: { model: { ...MODEL, sampleRate: DEFAULT_SAMPLE_RATE / DATA.downsample }, training: TRAINING, data: DATA },

  /**
   * Small enough for two CPU cores. Sampling begins with pure noise, so ᾱ_T has to be near 0: with fewer steps each
   * has to add more. T = 50 with β up to 0.2 ends at ᾱ_T = 0.005; with β up to 0.02 it would end at 0.60, where most
   * of x_T is still signal and pure noise is something the network has never been shown.
   */
  tiny: {
    model: {
      ...MODEL,
      layers: 8,
      channels: 32,
      dilationCycle: 8,
      embeddingWidth: 128,
      diffusionSteps: 50,
      betaEnd: 0.2,
      sampleRate: DEFAULT_SAMPLE_RATE / DATA.downsample,
    },
    training: { ...TRAINING, cropSamples: 2048, learningRate: 2e-3 },
    data: DATA,
  },

  /** DiffWave BASE of Kong et al. 2021, section 5.1, without its spectrogram input. */
  'diffwave-base': {
    model: { ...MODEL, layers: 30, diffusionSteps: 50, betaEnd: 0.05, encoding: 'diffwave', loss: 'l1' },
    training: { ...TRAINING, batchSize: 16, cropSamples: 16000 },
    data: AS_RECORDED,
  },

  /** The unconditional model of Kong et al. 2021, section 5.2: spoken digits of one second at 16 kHz. */
  'diffwave-sc09': {
    model: {
      ...MODEL,
      layers: 36,
      channels: 256,
      dilationCycle: 12,
      encoding: 'diffwave',
      loss: 'l1',
      sampleRate: 16000,
    },
    training: { ...TRAINING, batchSize: 16, cropSamples: 16000 },
    data: AS_RECORDED,
  },
} satisfies Record<string, Preset>;

/** The preset of that name. Throws a UserError with the names there are. */
export function presetNamed(name: string): Preset {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS];
  throw new UserError(`There is no preset "${name}". Choose one of ${Object.keys(PRESETS).join(', ')}.`);
}

/** The dilation of a layer's convolution, in samples. */
export function dilationOf(config: Pick<DiffWaveConfig, 'dilationCycle'>, layer: number): number {
  return 2 ** (layer % config.dilationCycle);
}

/** How many samples of x_t one sample of the prediction depends on: 1 + (K − 1)·Σ dilations. */
export function receptiveField(config: Pick<DiffWaveConfig, 'layers' | 'kernelSize' | 'dilationCycle'>): number {
  let dilations = 0;
  for (let layer = 0; layer < config.layers; layer++) dilations += dilationOf(config, layer);
  return 1 + (config.kernelSize - 1) * dilations;
}

/** A parameter as a file has it. `layout` tells how its axes are turned for the kernels. */
export interface ParameterShape {
  readonly name: string; // PyTorch's
  readonly diskShape: readonly number[]; // conv (Cout, Cin, K), linear (Cout, Cin), vector (Cout)
  readonly layout: 'conv' | 'linear' | 'vector';
}

/** Every parameter in the order of the model, with the names and shapes of lmnt-com/diffwave. */
export function parameterShapes(config: DiffWaveConfig): ParameterShape[] {
  const { layers, channels: C, kernelSize: K, encodingWidth: E, embeddingWidth: H } = config;
  return [
    ...affine('input_projection', [C, 1, 1]),
    ...affine('diffusion_embedding.projection1', [H, E]),
    ...affine('diffusion_embedding.projection2', [H, H]),
    ...Array.from({ length: layers }, (_, i) => [
      ...affine(`residual_layers.${i}.dilated_conv`, [2 * C, C, K]),
      ...affine(`residual_layers.${i}.diffusion_projection`, [C, H]),
      ...affine(`residual_layers.${i}.output_projection`, [2 * C, C, 1]),
    ]).flat(),
    ...affine('skip_projection', [C, C, 1]),
    ...affine('output_projection', [1, C, 1]),
  ];
}

function affine(name: string, diskShape: readonly number[]): ParameterShape[] {
  return [
    { name: `${name}.weight`, diskShape, layout: diskShape.length === 3 ? 'conv' : 'linear' },
    { name: `${name}.bias`, diskShape: [diskShape[0]], layout: 'vector' },
  ];
}

const MODEL_RULES: Record<keyof DiffWaveConfig, Rule> = {
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
