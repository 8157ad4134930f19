/** What the page and its worker say to each other. The page asks, the worker answers, and tells what happens meanwhile. */
import type { Manifest, Preset, Progress, Row, TrainingConfig, DiffWaveConfig, Validation } from '../../src/web.ts';

/** A file, and its path below the folder that was dropped or chosen. */
export interface NamedFile {
  readonly name: string;
  readonly file: File;
}

export interface Adapter {
  readonly name: string;
  readonly description: string; // lines
  readonly variant: string;
  readonly software: boolean;
  readonly driver: string;
  readonly limits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
}

export interface Music {
  readonly manifest: Manifest;
  /** How long it took, in seconds. */
  readonly seconds: number;
}

/** A run that is kept in this browser. */
export interface KeptRun {
  readonly step: number;
  readonly preset: string;
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
  readonly log: readonly TrainingPoint[];
  readonly validations: readonly Validation[];
  /** Whether the music that it was trained on is here as well. */
  readonly hasMusic: boolean;
}

export type TrainingPoint = Pick<Progress, 'step' | 'loss' | 'seconds'>;

/** What may be other each time that a run goes on. */
export interface RunWish {
  readonly steps: number; // in total
  readonly saveEvery: number;
  readonly soundEvery: number; // updates between two sounds on the way; 0: there are none
}

export interface TrainingWish extends RunWish {
  readonly preset: string;
  readonly model: DiffWaveConfig;
  readonly training: TrainingConfig;
  readonly memoryLimit?: number; // bytes of GPU memory
  readonly labels: boolean; // the network is taught the folders that the tracks lie in
}

/** A sound that something is made of: mono, at the network's rate. */
export interface Source {
  readonly samples: Float32Array<ArrayBuffer>;
  readonly sampleRate: number; // Hz
}

export type What =
  | { readonly kind: 'new' }
  | { readonly kind: 'variation'; readonly audio: Source; readonly strength: number }
  | { readonly kind: 'between'; readonly audio: Source; readonly other: Source; readonly mix: number; readonly strength: number }
  | { readonly kind: 'continue'; readonly audio: Source }
  | { readonly kind: 'inpaint'; readonly audio: Source; readonly from: number; readonly to: number } // seconds
  | { readonly kind: 'denoise'; readonly audio: Source };

/** What a network with labels, or for spectrograms, is told. */
export type ToldWish =
  | { readonly kind: 'labels'; readonly text: string; readonly guidance: number } // 'jazz', 'jazz:0.7,metal:0.3'
  | { readonly kind: 'along'; readonly text: string; readonly guidance: number } // '0:classical,10:metal'
  | { readonly kind: 'sound'; readonly audio: Source; readonly name: string } // its spectrogram
  | { readonly kind: 'spectrogram'; readonly file: File }; // .npy

export interface SamplingWish {
  readonly what: What;
  readonly told?: ToldWish;
  /** It is told stretch by stretch, from its beginning on. */
  readonly early: boolean;
  readonly seconds: number;
  readonly seed: number;
  readonly sampler: 'ddpm' | 'ddim' | 'dpm++' | 'fast';
  readonly steps?: number;
  readonly loop: boolean;
}

export interface Sound {
  readonly samples: Float32Array<ArrayBuffer>;
  readonly sampleRate: number;
  /** The file, with seed and weights in it, as Node writes it. */
  readonly wav: Uint8Array<ArrayBuffer>;
  readonly seconds: number; // that it took
}

/** What the page may ask for: the question's data, the answer. */
export interface Questions {
  open: [undefined, Adapter];
  prepare: [{ readonly files: readonly NamedFile[]; readonly data: Preset['data']; readonly source: string }, Music];
  music: [undefined, Music | undefined]; // that was prepared before
  /** What sound is before a network of this configuration sees it, by the music. */
  shaping: [DiffWaveConfig, { readonly scale: number; readonly emphasis: number }];
  clip: [number, Float32Array<ArrayBuffer>];
  /** Of a file, as the data of the weights were made; of the preset's where there are none. */
  sound: [{ readonly file: File; readonly data: Preset['data'] }, Source & { readonly warnings: readonly string[] }];
  run: [undefined, KeptRun | undefined];
  train: [TrainingWish, { readonly step: number }];
  plan: [TrainingWish, string]; // a line about the memory that it would take
  goOn: [RunWish, { readonly step: number }];
  pause: [undefined, undefined];
  forget: [undefined, undefined];
  runFile: [undefined, Uint8Array<ArrayBuffer>];
  weightsFile: [undefined, Uint8Array<ArrayBuffer>];
  takeFile: [File, string]; // a run, or weights; a line about it
  network: [undefined, DiffWaveConfig | undefined]; // that samples are made with
  spectrogram: [File, string]; // a line about it
  sample: [SamplingWish, Sound];
  /** Golden files, then every kernel. */
  verify: [undefined, { readonly rows: number; readonly failed: number }];
  /** Tuning for a network, where there is something to tune, then every kernel between probes; how many were wrong. */
  bench: [Pick<DiffWaveConfig, 'channels' | 'kernelSize'>, { readonly rows: number; readonly wrong: number }];
}

export type Question = keyof Questions;

/** What the worker tells unasked. */
export interface News {
  line: string; // about the music that is prepared
  note: string; // about the training that is going on
  plan: string;
  progress: Progress;
  validation: Validation;
  saved: number; // the step
  sounding: { readonly step: number; readonly done: number; readonly total: number }; // a sound on the way of training
  sound: Source & { readonly step: number; readonly label?: string };
  way: Source & { readonly left: number }; // x_t on the way from noise to sound, with so many steps left
  stretch: Source & { readonly from: number; readonly total: number }; // of a sound that is still being made, in samples
  sampling: { readonly done: number; readonly total: number };
  timed: { readonly bench: string; readonly [field: string]: unknown }; // a row of a result file, without where it comes from
  checked: { readonly rows: readonly Row[]; readonly done: number; readonly total: number };
}

export type Tell = <N extends keyof News>(news: N, data: News[N]) => void;

export interface Asked { readonly id: number; readonly question: Question; readonly data: unknown }

export type Told =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly problem: string; readonly isForUser: boolean }
  | { readonly news: keyof News; readonly data: unknown };
