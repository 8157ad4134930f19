/** Sound that `sample` works on: a file of any format, brought to what the network was trained on, and the way back. */
import { prepareTrack } from '../../../src/dataset/dataset.ts';
import { DEFAULT_OPTIONS } from '../../../src/dataset/options.ts';
import { resample } from '../../../src/audio/resample.ts';
import { decodeSound } from '../../../src/formats/sound.ts';
import type { RunConfig } from '../../../src/diffwave/files/run.node.ts';
import { preparationOf } from '../../../src/diffwave/files/run.node.ts';
import { UserError } from '../../../src/errors.ts';
import { openFileOrExplain } from '../../../src/disk/files.node.ts';

/** What the network was trained on. */
export interface SoundOptions {
  /** Hz, of the network. */
  readonly sampleRate: number;
  /** By which the recordings' common rate was divided to get there; see `prepareTrack`. That of the preset `gtzan` by default. */
  readonly downsample?: number;
}

export interface Sound {
  /** (L) mono, at the network's rate; full scale is 1, as in training, where nothing is normalised either. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** Of the file, in Hz. */
  readonly sourceRate: number;
  /** One line each: what was wrong with the file and was read nevertheless. */
  readonly warnings: readonly string[];
  /**
   * The way back: sound at the network's rate, of any length, to the file's own rate. As many samples as the file has if
   * `audio` is as long as `samples`. Above half the network's rate there is nothing in it. No gain is needed: the level
   * was never changed.
   */
  restore(audio: Float32Array): Float32Array;
}

/**
 * The sounds at these paths, to be asked for by path: reading one takes a while, and whoever asks does not wait. What is wrong with
 * one is thrown when it is asked for.
 */
export async function loadSounds(paths: readonly string[], options: SoundOptions): Promise<(path: string) => Sound> {
  const loaded = new Map<string, { sound: Sound } | { error: unknown }>();
  for (const path of paths) {
    loaded.set(path, await loadSound(path, options).then((sound) => ({ sound }), (error: unknown) => ({ error })));
  }
  return (path) => {
    const found = loaded.get(path);
    if (!found) throw new Error(`${path} was not loaded`);
    if ('error' in found) throw found.error;
    return found.sound;
  };
}

/** How the data of a run were made. */
export function soundOptionsOf(run: Pick<RunConfig, 'model' | 'preset' | 'preparation'>): Required<SoundOptions> {
  return { sampleRate: run.model.sampleRate, downsample: preparationOf(run).downsample };
}

/**
 * Reads a sound file of any format, bit depth and number of channels and treats it as the training data were: mixed down, resampled,
 * low-passed and downsampled. One that already has the network's rate is taken as it is.
 *
 * @throws UserError when it is missing, no sound file, empty, or at a lower rate than the network's
 */
export async function loadSound(path: string, { sampleRate, downsample = DEFAULT_OPTIONS.downsample }: SoundOptions): Promise<Sound> {
  using file = openFileOrExplain(path, 'a sound file');
  const decoded = await decodeSound(file, path);
  const { sampleRate: sourceRate, samples: source, warnings } = decoded;
  if (sourceRate < sampleRate) {
    throw new UserError(`${path} is at ${sourceRate} Hz, but the network works at ${sampleRate} Hz: use a recording of at least that rate`);
  }
  const options = { sampleRate: sampleRate * downsample, downsample, seconds: null };
  const samples = new Float32Array(sourceRate === sampleRate ? source : prepareTrack(source, sourceRate, options));
  return {
    samples,
    sourceRate,
    warnings,
    restore(audio) {
      const restored = resample(audio, sampleRate, sourceRate);
      return audio.length === samples.length ? restored.subarray(0, source.length) : restored;
    },
  };
}
