/**
 * How much like music of a data set samples are. Everything is measured from the held-out tracks, and beside the samples' figure
 * stand those of three things that anyone can judge: other music of the same set, noise that has its spectrum, white noise.
 */
import { frameSizeFor, meanOverFrequency } from '../audio/powerSpectrum.ts';
import type { ClipSource } from '../diffwave/data/clips.ts';
import { checkedClip } from '../diffwave/data/clips.ts';
import { meanSpectrum } from '../diffwave/data/spectrum.ts';
import { streams } from '../diffwave/streams.ts';
import { UserError } from '../errors.ts';
import type { Distances, PieceFeatures, SetFeatures } from './features.ts';
import { FeatureTaker, distancesFrom, leastSamples, setFeatures } from './features.ts';
import { gaussianProcesses } from './gaussianProcess.ts';
import { coverWithPieces, cutIntoPieces, drawPieces, some } from './pieces.ts';

export interface YardstickOptions {
  readonly training: ClipSource;
  /** Clips of tracks that were not trained on. */
  readonly heldOut: ClipSource;
  readonly sampleRate: number;
  readonly seed?: number;
}

/** A distance from the held-out tracks, beside those of what it is to be compared with. */
export interface Figure {
  readonly samples: number;
  /** Of as many, equally long pieces of training tracks: the best that can be asked for. */
  readonly floor: number;
  /** Of a stationary Gaussian process with the training set's mean power spectrum: "only a spectrum". */
  readonly spectrum: number;
  /** Of white noise with the training set's level. */
  readonly white: number;
}

/** A figure on the scale on which 0 is other music of this set and 100 is only a spectrum. */
export interface ScaledFigure extends Figure {
  readonly percent: number;
}

export interface Measurement {
  /** Squared Fréchet distance of embedded windows, without a unit. */
  readonly frechet: ScaledFigure;
  /** Of the mean modulation spectrum from 2 to 20 Hz, in dB. */
  readonly modulation: ScaledFigure;
  /** Of the mean logarithmic spectrum, in dB. Noise that has the spectrum comes near the floor here, so there is no percentage. */
  readonly logSpectrum: Figure;
  /** Root mean square in dB of full scale. */
  readonly level: { readonly samples: number; readonly training: number; readonly heldOut: number };
  /** What was compared: so many pieces of so many samples each. */
  readonly pieces: { readonly count: number; readonly length: number };
}

/** What stands beside the samples' figures, for pieces of one number and length. */
interface References {
  readonly distances: (set: SetFeatures) => Distances;
  readonly heldOut: SetFeatures;
  readonly floor: Distances;
  readonly spectrum: Distances;
  readonly white: Distances;
}

/** Clips that scales and held-out figures are taken from: more change little and take seconds. */
const mostClips = 128;
const scaleClips = 32;
/** The floor is the mean of so many draws of pieces, as one draw may be a lucky one. Noise is the same throughout, one is enough. */
const floorDraws = 4;

export class Yardstick {
  readonly #options: Required<YardstickOptions>;
  readonly #taker: FeatureTaker;
  readonly #spectrum: Float64Array;
  readonly #power: number;
  readonly #references = new Map<string, References>();

  private constructor(options: Required<YardstickOptions>) {
    const { training, sampleRate } = options;
    this.#options = options;
    this.#spectrum = meanSpectrum(some(training, mostClips), frameSizeFor(training.clipSamples));
    this.#power = meanOverFrequency(this.#spectrum.length, (bin) => this.#spectrum[bin]!);
    const scale = some(training, scaleClips);
    const clips = Array.from({ length: scale.clipCount }, (_, i) => checkedClip(scale, i));
    this.#taker = new FeatureTaker({ sampleRate, spectrum: this.#spectrum }, clips);
  }

  /**
   * A yardstick for samples of a network that was trained on `training`. Clips of the two sets may differ in length from each other
   * and from samples.
   *
   * @throws UserError when a set has no clip, or clips are too short to measure anything (0.22 s)
   */
  static of({ training, heldOut, sampleRate, seed = 0 }: YardstickOptions): Yardstick {
    for (const [name, { clipCount, clipSamples }] of [['training', training], ['held-out', heldOut]] as const) {
      if (clipCount === 0) throw new UserError(`there are no ${name} clips to measure from`);
      checkLength(clipSamples, sampleRate, `${name} clips are`);
    }
    return new Yardstick({ training, heldOut, sampleRate, seed });
  }

  /**
   * Measures samples, sounds at the yardstick's rate. They are looked at in pieces of equal length, that of the shortest sample or clip:
   * references have as many pieces of that length, so that what a distance has too much for being estimated from few
   * (`frechetFrom`) is in all of them alike. A function of the options and the samples.
   *
   * @throws UserError when there is no sample, one is too short, or one has a value that is not a number
   */
  measure(samples: readonly Float32Array[]): Measurement {
    const pieces = this.#piecesOf(samples).flat();
    const [count, length] = [pieces.length, pieces[0]!.length];
    const references = this.#referencesFor(count, length);
    const set = setFeatures(pieces.map((piece) => this.#taker.of(piece)));
    const distances = references.distances(set);
    const figure = (key: keyof Distances): Figure => ({
      samples: distances[key], floor: references.floor[key], spectrum: references.spectrum[key], white: references.white[key],
    });
    return {
      frechet: scaled(figure('frechet')),
      modulation: scaled(figure('modulation')),
      logSpectrum: figure('logSpectrum'),
      level: { samples: decibels(set.power), training: decibels(this.#power), heldOut: decibels(references.heldOut.power) },
      pieces: { count, length },
    };
  }

  #piecesOf(samples: readonly Float32Array[]): Float32Array[][] {
    const { training, heldOut, sampleRate } = this.#options;
    if (samples.length === 0) throw new UserError('there are no samples to evaluate');
    samples.forEach((sample, i) => {
      checkLength(sample.length, sampleRate, `sample ${i} is`);
      const broken = sample.findIndex((value) => !Number.isFinite(value));
      if (broken >= 0) throw new UserError(`sample ${i} cannot be evaluated: value ${broken} of ${sample.length} is ${sample[broken]}`);
    });
    const shortest = samples.reduce((least, sample) => Math.min(least, sample.length), Infinity);
    return cutIntoPieces(samples, Math.min(shortest, training.clipSamples, heldOut.clipSamples));
  }

  #referencesFor(count: number, length: number): References {
    const key = `${count} ${length}`;
    const known = this.#references.get(key);
    if (known) return known;
    const { training, heldOut, seed } = this.#options;
    const features = (pieces: readonly Float32Array[]): PieceFeatures[] => pieces.map((piece) => this.#taker.of(piece));
    const reference = setFeatures(features(coverWithPieces(some(heldOut, mostClips), length)));
    const distances = distancesFrom(reference);
    const noise = Array.from({ length: count }, (_, item) => gaussianProcesses(
      [this.#spectrum, [this.#power, this.#power]],
      { length, place: { seed, stream: streams.evaluationNoise, step: 0, item } },
    ));
    const floors = Array.from({ length: floorDraws }, (_, draw) =>
      distances(setFeatures(features(drawPieces(training, { count, length, seed, draw })))));
    const made: References = {
      distances,
      heldOut: reference,
      floor: meanDistances(floors),
      spectrum: distances(setFeatures(features(noise.map(([shaped]) => shaped!)))),
      white: distances(setFeatures(features(noise.map(([, white]) => white!)))),
    };
    this.#references.set(key, made);
    return made;
  }
}

function checkLength(samples: number, sampleRate: number, what: string): void {
  const least = leastSamples(sampleRate);
  if (samples >= least) return;
  throw new UserError(`${what} too short to be evaluated: ${samples} samples, where ${least} are the least (${(least / sampleRate).toFixed(2)} s)`);
}

function meanDistances(all: readonly Distances[]): Distances {
  const mean = (key: keyof Distances): number => all.reduce((sum, distances) => sum + distances[key] / all.length, 0);
  return { frechet: mean('frechet'), modulation: mean('modulation'), logSpectrum: mean('logSpectrum') };
}

function scaled(figure: Figure): ScaledFigure {
  return { ...figure, percent: (100 * (figure.samples - figure.floor)) / (figure.spectrum - figure.floor) };
}

function decibels(power: number): number {
  return 10 * Math.log10(Math.max(power, 1e-20));
}
