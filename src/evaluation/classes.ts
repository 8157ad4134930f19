/** Whether sounds that were asked for by label are like that label's music: a column of the yardstick for each class. */
import { frameSizeFor } from '../audio/powerSpectrum.ts';
import { logSpectrumDistance, meanLogSpectrum } from '../audio/spectrogram.ts';
import type { ClipSource } from '../diffwave/data/clips.ts';
import { subset } from '../diffwave/data/clips.ts';
import { UserError } from '../errors.ts';
import type { LogMelOptions } from './logMel.ts';
import { LogMelFrames } from './logMel.ts';
import { coverWithPieces, cutIntoPieces, some } from './pieces.ts';

/** Clips that know their class. */
export type LabelledClips = ClipSource & { label(i: number): number };

export interface ClassFigures {
  readonly label: number;
  /** Pieces of samples with this label, and those of them that are nearest to this class. */
  readonly pieces: number;
  readonly nearest: number;
  /** Distance of their mean log spectrum from that of every class, in dB. */
  readonly logSpectrum: readonly number[];
}

export interface ClassComparison {
  readonly classes: readonly ClassFigures[];
  /** Share of all pieces that are nearest to the class of their label; of held-out music, what can be hoped for; by chance. */
  readonly rate: number;
  readonly heldOut: number;
  readonly chance: number;
}

/** Clips of a class that its centre is taken from. */
const mostClips = 32;

/**
 * Compares samples with the classes of the training clips. A piece of sound is the mean and the standard deviation over time of its
 * log-mel bands (see `LogMelFrames`); the nearest class is that whose mean over training pieces is nearest, numbers counted in units of
 * their standard deviation within classes (a linear discriminant with a diagonal covariance). Classes are those that training clips are
 * there of.
 *
 * @param labels class of every sample
 * @throws UserError when there are fewer than two classes, or a sample has a class without clips
 */
export function compareClasses({ training, heldOut, samples, labels, ...options }: LogMelOptions & {
  readonly training: LabelledClips; readonly heldOut: LabelledClips; readonly samples: readonly Float32Array[]; readonly labels: readonly number[];
}): ClassComparison {
  const length = Math.min(training.clipSamples, heldOut.clipSamples, ...samples.map((sample) => sample.length));
  const describe = describer(options);
  const classes = [...new Set(Array.from({ length: training.clipCount }, (_, i) => training.label(i)))].sort((a, b) => a - b);
  if (classes.length < 2) throw new UserError('there are no two classes to be told apart');
  const piecesOf = (clips: LabelledClips, label: number): Float32Array[] =>
    coverWithPieces(some(subset(clips, Array.from({ length: clips.clipCount }, (_, i) => i).filter((i) => clips.label(i) === label)), mostClips), length);
  const known = classes.map((label) => piecesOf(training, label));
  const nearest = nearestOf(known.map((pieces) => pieces.map(describe)));
  const size = frameSizeFor(length);
  const spectrumOf = (pieces: readonly Float32Array[]): Float64Array => mean(pieces.map((piece) => meanLogSpectrum(piece, { size, hop: size / 2 })));
  const spectra = known.map(spectrumOf);

  const asked = classes.map((label) => cutIntoPieces(samples.filter((_, i) => labels[i] === label), length).flat());
  const stray = labels.find((label) => !classes.includes(label));
  if (stray !== undefined) throw new UserError(`there are no training clips of class ${stray} to compare its samples with`);
  const hits = (pieces: readonly Float32Array[], of: number): number => pieces.filter((piece) => nearest(describe(piece)) === of).length;
  const figures = classes.map((label, i): ClassFigures | undefined => {
    const pieces = asked[i]!;
    if (pieces.length === 0) return undefined;
    const own = spectrumOf(pieces);
    return { label, pieces: pieces.length, nearest: hits(pieces, i), logSpectrum: spectra.map((other) => logSpectrumDistance(other, own)) };
  }).filter((figure) => figure !== undefined);
  const others = classes.map((label) => piecesOf(heldOut, label));
  const share = (counts: readonly (readonly [hits: number, of: number])[]): number =>
    counts.reduce((sum, [count]) => sum + count, 0) / counts.reduce((sum, [, of]) => sum + of, 0);
  return {
    classes: figures,
    rate: share(figures.map((figure) => [figure.nearest, figure.pieces])),
    heldOut: share(others.map((pieces, i) => [hits(pieces, i), pieces.length])),
    chance: 1 / classes.length,
  };
}

/** Mean and standard deviation of every log-mel band over time. */
function describer(options: LogMelOptions): (piece: Float32Array) => Float64Array {
  const logMel = new LogMelFrames(options);
  return (piece) => {
    const { frames, bands, values } = logMel.of(piece);
    const numbers = new Float64Array(2 * bands);
    for (let band = 0; band < bands; band++) {
      let [sum, squares] = [0, 0];
      for (let frame = 0; frame < frames; frame++) {
        const value = values[frame * bands + band]!;
        sum += value;
        squares += value ** 2;
      }
      numbers[band] = sum / frames;
      numbers[bands + band] = Math.sqrt(Math.max(0, squares / frames - (sum / frames) ** 2));
    }
    return numbers;
  };
}

/** Finds the nearest of the classes, by their members. */
function nearestOf(classes: readonly (readonly Float64Array[])[]): (numbers: Float64Array) => number {
  const centres = classes.map(mean);
  const count = classes.reduce((sum, members) => sum + members.length, 0);
  const variance = centres[0]!.map((_, k) =>
    classes.reduce((sum, members, i) => sum + members.reduce((own, member) => own + (member[k]! - centres[i]![k]!) ** 2, 0), 0) / count);
  const least = 0.01; // what never changes within classes is not blown up without end: 0.1 nat is hardly to be heard
  const distance = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2 / Math.max(least, variance[k]!), 0);
  return (numbers) => {
    const distances = centres.map((centre) => distance(numbers, centre));
    return distances.indexOf(Math.min(...distances));
  };
}

function mean(vectors: readonly Float64Array[]): Float64Array {
  return vectors[0]!.map((_, k) => vectors.reduce((sum, vector) => sum + vector[k]!, 0) / vectors.length);
}
