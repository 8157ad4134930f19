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
import { bootstrap } from './bootstrap.ts';
import type { ClassComparison, LabelledClips } from './classes.ts';
import { compareClasses } from './classes.ts';
import { CopySearch } from './copies.ts';
import type { Distances, PieceFeatures, SetFeatures } from './features.ts';
import { FeatureTaker, Variety, distancesFrom, leastSamples, setFeatures } from './features.ts';
import { gaussianProcesses } from './gaussianProcess.ts';
import type { Copies, Figure, Measurement, ScaledFigure } from './measurement.ts';
import { coverWithPieces, cutIntoPieces, drawPieces, some } from './pieces.ts';

export type { Copies, Figure, Measurement, ScaledFigure } from './measurement.ts';

export interface YardstickOptions {
  readonly training: ClipSource;
  /** Clips of tracks that were not trained on. */
  readonly heldOut: ClipSource;
  readonly sampleRate: number;
  readonly seed?: number;
}

/** What stands beside the samples' figures, for pieces of one number and length. */
interface References {
  readonly distances: (set: SetFeatures) => Distances;
  readonly heldOut: SetFeatures;
  readonly floor: Distances;
  /** The largest of what `floor` is the mean of. */
  readonly farthest: Distances;
  readonly spectrum: Distances;
  readonly white: Distances;
  readonly variety: number;
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
   * @param draws of the bootstrap, for intervals; 0 for none, which is faster
   * @throws UserError when there is no sample, one is too short, or one has a value that is not a number
   */
  measure(samples: readonly Float32Array[], { draws = 0 }: { draws?: number } = {}): Measurement {
    const pieces = this.#piecesOf(samples);
    const [count, length] = [pieces.flat().length, pieces[0]![0]!.length];
    const references = this.#referencesFor(count, length);
    const features = pieces.map((each) => each.map((piece) => this.#taker.of(piece)));
    const variety = new Variety(features.map(([first]) => first!));
    const figures = (members: readonly number[]) => {
      const set = setFeatures(members.flatMap((i) => features[i]!));
      return { ...references.distances(set), level: decibels(set.power), variety: variety.of(members) };
    };
    const own = figures(samples.map((_, i) => i));
    const intervals = draws > 0 ? bootstrap(samples.length, figures, { seed: this.#options.seed, draws }) : undefined;
    const figure = (key: keyof Distances): Figure => ({
      // Moved by its bias, the interval of a distance near 0 may reach below it.
      samples: own[key], interval: intervals && [Math.max(0, intervals[key][0]), intervals[key][1]],
      floor: references.floor[key], spectrum: references.spectrum[key], white: references.white[key],
    });
    return {
      frechet: scaled(figure('frechet'), references.farthest.frechet),
      modulation: scaled(figure('modulation'), references.farthest.modulation),
      logSpectrum: figure('logSpectrum'),
      level: { samples: own.level, interval: intervals?.level, training: decibels(this.#power), heldOut: decibels(references.heldOut.power) },
      variety: samples.length > 1 && references.variety > 0
        ? { samples: own.variety, interval: intervals?.variety, training: references.variety }
        : undefined,
      pieces: { count, length },
    };
  }

  /**
   * Looks for samples, and for held-out clips, in the training clips: see `CopySearch`. Takes a while, seconds for an hour of music.
   *
   * @throws UserError as `measure`
   */
  copies(samples: readonly Float32Array[]): Copies {
    this.#piecesOf(samples);
    const { training, heldOut, sampleRate } = this.#options;
    const search = new CopySearch(training, sampleRate);
    const clips = some(heldOut, mostClips);
    const others = Array.from({ length: clips.clipCount }, (_, i) => checkedClip(clips, i));
    return { samples: search.of(samples).matches, heldOut: search.of(others).matches, seconds: search.seconds };
  }

  /**
   * Whether samples that were asked for by label are like that label's music: `labels` are the classes that the samples were asked for.
   * Undefined where the clips do not know theirs.
   *
   * @throws UserError as `measure`, and as `compareClasses`
   */
  classes(samples: readonly Float32Array[], labels: readonly number[]): ClassComparison | undefined {
    this.#piecesOf(samples);
    const { training, heldOut, sampleRate } = this.#options;
    if (!training.label || !heldOut.label) return undefined;
    return compareClasses({ training: training as LabelledClips, heldOut: heldOut as LabelledClips, samples, labels, sampleRate, spectrum: this.#spectrum });
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
    const draws = Array.from({ length: floorDraws }, (_, draw) => features(drawPieces(training, { count, length, seed, draw })));
    const drawn = draws.map((draw) => distances(setFeatures(draw)));
    const made: References = {
      distances,
      heldOut: reference,
      floor: meanDistances(drawn),
      farthest: farthestOf(drawn),
      spectrum: distances(setFeatures(features(noise.map(([shaped]) => shaped!)))),
      white: distances(setFeatures(features(noise.map(([, white]) => white!)))),
      variety: new Variety(draws[0]!.slice(0, training.clipCount)).of(),
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

function farthestOf(all: readonly Distances[]): Distances {
  const most = (key: keyof Distances): number => Math.max(...all.map((distances) => distances[key]));
  return { frechet: most('frechet'), modulation: most('modulation'), logSpectrum: most('logSpectrum') };
}

/** `farthest` is the largest distance that other music has. */
function scaled(figure: Figure, farthest: number): ScaledFigure {
  const hasScale = figure.spectrum > farthest;
  const percent = (value: number): number => (hasScale ? (100 * (value - figure.floor)) / (figure.spectrum - figure.floor) : NaN);
  const { samples, interval } = figure;
  return { ...figure, percent: percent(samples), percentInterval: interval && [percent(interval[0]), percent(interval[1])] };
}

function decibels(power: number): number {
  return 10 * Math.log10(Math.max(power, 1e-20));
}
