/** What is taken of one piece of sound, and what the pieces of a set have in common. */
import { rootMeanSquare } from '../audio/level.ts';
import { frameSizeFor } from '../audio/powerSpectrum.ts';
import { logSpectrumDistance, meanLogSpectrum } from '../audio/spectrogram.ts';
import { Embedding } from './embedding.ts';
import type { Gaussian, Moments } from './frechet.ts';
import { frechetFrom, gaussianOf, momentsOf } from './frechet.ts';
import type { LogMelOptions } from './logMel.ts';
import { LogMelFrames } from './logMel.ts';
import type { ModulationSpectrum } from './modulation.ts';
import { leastModulationFrames, meanModulation, modulationDistance, modulationSize, modulationSpectrum } from './modulation.ts';

export interface PieceFeatures {
  readonly moments: Moments; // of its embedded windows, each number in units of `scale`
  readonly modulation: ModulationSpectrum;
  readonly logSpectrum: Float64Array; // dB
  readonly power: number; // mean square
}

export interface SetFeatures {
  readonly gaussian: Gaussian;
  readonly modulation: ModulationSpectrum;
  readonly logSpectrum: Float64Array; // dB
  readonly power: number;
}

export interface Distances {
  readonly frechet: number;
  readonly modulation: number; // dB
  readonly logSpectrum: number; // dB
}

/** Takes the features of pieces. All pieces of a comparison are equally long. */
export class FeatureTaker {
  readonly #frames: LogMelFrames;
  readonly #embedding: Embedding;
  readonly #unit: Float64Array; // (size): 1 / standard deviation

  /**
   * Numbers of the embedding come in units of their standard deviation in `scale`, sounds of the data, so that how a sound moves
   * counts as much as how loud it is.
   */
  constructor(options: LogMelOptions, scale: readonly Float32Array[]) {
    this.#frames = new LogMelFrames(options);
    this.#embedding = new Embedding(this.#frames.bands);
    const d = this.#embedding.size;
    const { covariance } = gaussianOf(scale.map((sound) => momentsOf(this.#embedding.of(this.#frames.of(sound)), d)));
    // What never moves in the data is not blown up without end where something else does move: 0.1 nat is hardly to be heard.
    this.#unit = Float64Array.from({ length: d }, (_, i) => 1 / Math.sqrt(Math.max(0.01, covariance[i * d + i]!)));
  }

  of(piece: Float32Array): PieceFeatures {
    const logMel = this.#frames.of(piece);
    const d = this.#embedding.size;
    const points = this.#embedding.of(logMel).map((value, i) => value * this.#unit[i % d]!);
    const size = frameSizeFor(piece.length);
    return {
      moments: momentsOf(points, d),
      modulation: modulationSpectrum(logMel, { size: modulationSize(logMel.frames), framesPerSecond: this.#frames.framesPerSecond }),
      logSpectrum: meanLogSpectrum(piece, { size, hop: size / 2 }),
      power: rootMeanSquare(piece) ** 2,
    };
  }
}

/** The shortest piece that has something to measure, in samples: about 0.22 s. */
export function leastSamples(sampleRate: number): number {
  return new LogMelFrames({ sampleRate, spectrum: new Float64Array(3) }).samplesOf(leastModulationFrames);
}

/** What pieces have in common; the same piece may be there more than once. */
export function setFeatures(pieces: readonly PieceFeatures[]): SetFeatures {
  const logSpectrum = new Float64Array(pieces[0]!.logSpectrum.length);
  for (const piece of pieces) piece.logSpectrum.forEach((value, bin) => (logSpectrum[bin]! += value / pieces.length));
  return {
    gaussian: gaussianOf(pieces.map(({ moments }) => moments)),
    modulation: meanModulation(pieces.map(({ modulation }) => modulation)),
    logSpectrum,
    power: pieces.reduce((sum, { power }) => sum + power / pieces.length, 0),
  };
}

/** A function that measures how far other sets are from this one. */
export function distancesFrom(first: SetFeatures): (second: SetFeatures) => Distances {
  const frechet = frechetFrom(first.gaussian);
  return (second) => ({
    frechet: frechet(second.gaussian),
    modulation: modulationDistance(first.modulation, second.modulation),
    logSpectrum: logSpectrumDistance(first.logSpectrum, second.logSpectrum),
  });
}

/**
 * How different pieces are from each other: the mean log-spectral distance of all pairs, in dB. It does not hear the order of events,
 * on purpose: two stretches of the same hiss differ in every sample, and by a distance of waveforms they would be as varied as can be.
 * Pairs of one piece with itself, which a bootstrap draws, do not count.
 */
export class Variety {
  readonly #distances: Float64Array; // (pieces, pieces)
  readonly #count: number;

  constructor(pieces: readonly PieceFeatures[]) {
    const count = pieces.length;
    this.#count = count;
    this.#distances = new Float64Array(count * count);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < i; j++) {
        const distance = logSpectrumDistance(pieces[i]!.logSpectrum, pieces[j]!.logSpectrum);
        this.#distances[i * count + j] = distance;
        this.#distances[j * count + i] = distance;
      }
    }
  }

  /** Of these pieces, by default of all. NaN where there are no two. */
  of(members: readonly number[] = Array.from({ length: this.#count }, (_, i) => i)): number {
    let [sum, pairs] = [0, 0];
    for (const i of members) {
      for (const j of members) {
        if (i === j) continue;
        sum += this.#distances[i * this.#count + j]!;
        pairs += 1;
      }
    }
    return sum / pairs;
  }
}
