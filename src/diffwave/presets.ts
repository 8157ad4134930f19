/** The presets: networks that are known to work, how they are trained, on what. */
import type { DatasetOptions } from '../dataset/options.ts';
import { DEFAULT_OPTIONS } from '../dataset/options.ts';
import { UserError } from '../errors.ts';
import type { DiffWaveConfig } from './model/config.ts';
import { DEFAULT_SAMPLE_RATE } from './model/config.ts';
import type { TrainingConfig } from './training/config.ts';
import { TRAINING } from './training/config.ts';

/** A network, how it is trained, and how recordings become its clips. */
export interface Preset {
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
  readonly data: DatasetOptions;
}

const MODEL: DiffWaveConfig = {
  layers: 10,
  channels: 64,
  kernelSize: 3,
  dilationCycle: 10,
  dilationBase: 2,
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
  scale: 1,
  emphasis: 0,
};

const DATA = DEFAULT_OPTIONS;

/** All of every recording, in clips of `samples` at `sampleRate`: what a network is trained on, so that short files are hardly padded. */
const clipsOf = (samples: number, sampleRate: number): DatasetOptions =>
  ({ sampleRate, seconds: null, downsample: 1, clipSeconds: samples / sampleRate });

/** Samples of a crop in Kong et al. 2021: 0.73 s of speech in section 5.1, a whole digit in 5.2. */
const CROP = 16000;

/** Samples between two frames of the vocoder's spectrograms, and of its crops. */
const HOP = 256;
const VOCODER_CROP = 62 * HOP;

/**
 * What did best at equal compute on music that was not trained on (docs/recipe.md): sound with its high tones raised and an RMS of
 * 1, which is what the noise is meant for, and a learning rate that falls to almost nothing with the last update.
 */
const HEARD = { scale: 'unit', emphasis: 0.95 } as const;
const ANNEALED = { learningRateSchedule: 'cosine', decayFactor: 0.01 } as const;

/** Of networks that nobody names. */
export const DEFAULT_PRESET = 'music';

/** The presets by name. */
export const PRESETS = {
  /**
   * Music on a GPU: the network of `gtzan` with what was found out on a smaller one. β ends higher, as for sound of RMS 1 ᾱ_T = 0.13
   * would leave signal in x_T. The learning rate is that of `tiny`, smaller by the channels' ratio (Yang et al. 2021, "Tensor
   * programs V", table 3): an estimate, not compared on a GPU.
   */
  music: {
    model: { ...MODEL, ...HEARD, betaEnd: 0.05, sampleRate: DEFAULT_SAMPLE_RATE / DATA.downsample },
    training: { ...TRAINING, ...ANNEALED, batchSize: 16, cropSamples: 8192, learningRate: 1e-3, warmupSteps: 500, clipNorm: 1 },
    data: DATA,
  },

  /** To the letter of the papers and of the notebook that this began as. Music of GTZAN's kind: half-minute recordings at 22,050 Hz become six clips of five seconds at 7,350 Hz. */
  gtzan: { model: { ...MODEL, sampleRate: DEFAULT_SAMPLE_RATE / DATA.downsample }, training: TRAINING, data: DATA },

  /**
   * Small enough for two CPU cores, by the same recipe. Sampling begins with pure noise, so ᾱ_T has to be near 0: with fewer steps each
   * has to add more. T = 50 with β up to 0.2 ends at ᾱ_T = 0.005; with β up to 0.02 it would end at 0.60, where most
   * of x_T is still signal and pure noise is something the network has never been shown.
   */
  tiny: {
    model: {
      ...MODEL,
      ...HEARD,
      layers: 8,
      channels: 32,
      dilationCycle: 8,
      embeddingWidth: 128,
      diffusionSteps: 50,
      betaEnd: 0.2,
      sampleRate: DEFAULT_SAMPLE_RATE / DATA.downsample,
    },
    training: { ...TRAINING, ...ANNEALED, cropSamples: 2048, learningRate: 2e-3, warmupSteps: 60 },
    data: DATA,
  },

  /** DiffWave BASE of Kong et al. 2021, section 5.1, without its spectrogram input. */
  'diffwave-base': {
    model: { ...MODEL, layers: 30, diffusionSteps: 50, betaEnd: 0.05, encoding: 'diffwave', loss: 'l1' },
    training: { ...TRAINING, batchSize: 16, cropSamples: CROP },
    data: clipsOf(CROP, DEFAULT_SAMPLE_RATE),
  },

  /**
   * The vocoder of lmnt-com/diffwave (params.py): speech out of log-mel spectrograms, a frame every 256 samples, crops of 62 frames. Its
   * published weights are of this network, see docs/vocoder.md.
   */
  'diffwave-vocoder': {
    model: { ...MODEL, layers: 30, diffusionSteps: 50, betaEnd: 0.05, encoding: 'diffwave', loss: 'l1', conditioner: 'mel', melBands: 80, hopSamples: HOP },
    training: { ...TRAINING, batchSize: 16, cropSamples: VOCODER_CROP },
    data: clipsOf(4 * VOCODER_CROP, DEFAULT_SAMPLE_RATE),
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
    training: { ...TRAINING, batchSize: 16, cropSamples: CROP },
    data: clipsOf(CROP, 16000),
  },
} satisfies Record<string, Preset>;

/**
 * What the recordings of a run became whose configuration does not say it: those presets that have other clips now, once
 * took half a minute of each.
 */
export function dataOfOldRuns(name: string): DatasetOptions {
  if (!name.startsWith('diffwave-')) return presetNamed(name).data;
  return { sampleRate: DEFAULT_SAMPLE_RATE, seconds: 30, downsample: 1, splits: 1 };
}

/** The preset of that name. Throws a UserError with the names there are. */
export function presetNamed(name: string): Preset {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS];
  throw new UserError(`There is no preset "${name}". Choose one of ${Object.keys(PRESETS).join(', ')}.`);
}
