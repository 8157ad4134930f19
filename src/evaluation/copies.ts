/** Whether sounds are copies of clips: pieces of them are looked for in every clip, at every position. */
import { complexFft } from '../audio/fft.ts';
import { decimate } from '../audio/resample.ts';
import { spectralFir } from '../audio/spectralFir.ts';
import { filterEvery } from '../audio/lowpass.ts';
import { meanOverFrequency, powerSpectrum } from '../audio/powerSpectrum.ts';
import type { ClipSource } from '../diffwave/data/clips.ts';
import { checkedClip } from '../diffwave/data/clips.ts';
import { some } from './pieces.ts';

/** A piece that is looked for. Shorter ones are more like something else by chance. */
const pieceSeconds = 1;
/** Rate that copies are looked for at, about: above half of it there is nothing that a copy could be told by alone. */
const searchRate = 3000;
/** Music that is searched, at most; more is searched in part, spread evenly. A network that copies does so here as well. */
const mostSeconds = 3600;
/** Pieces that are looked for, at most. */
const mostPieces = 24;
/** Bins that are so far below the mean power are not raised to it: what is there is noise. */
const whiteningFloor = 1e-3;
/**
 * Where samples are left out, a copy may lie between two of the clip's. Up to a quarter of the low rate, half a sample beside leaves
 * sin(π/4)/(π/4) = 0.90 of a correlation; what is above is not looked at.
 */
const highest = 0.25;
const whiteningSize = 256;
/** Of the mean power: what is quieter is silence, which is like everything. */
const silence = 1e-4;

export interface Matches {
  /** The best match of every piece, sorted upwards: magnitudes of correlations, 1 for a copy however loud, and whichever way up. */
  readonly matches: readonly number[];
}

/**
 * Looks for pieces of sounds in a set of clips. Everything is brought to about 3 kHz and whitened by the clips' mean power spectrum, so
 * that a bass note, which is like every other bass note, counts no more than the rest. A match is the largest magnitude of the
 * normalised cross-correlation r(k) = Σ x_n·y_{n+k} / √(Σ x_n²·Σ y_{n+k}²) over all positions k of all clips, computed by FFT
 * in blocks (overlap-save: Oppenheim and Schafer, "Discrete-Time Signal Processing", ch. 8). Noise of n independent values reaches
 * about √(2·ln(positions)/n) by chance; recordings that repeat what they are made of, much more. Compare with pieces that
 * cannot be copies.
 */
export class CopySearch {
  readonly #clips: ClipSource;
  readonly #factor: number;
  readonly #whitening: Float64Array; // (taps)
  readonly #piece: number; // samples at the low rate
  readonly #power: number; // mean square of a whitened clip
  readonly #clip: (i: number) => Float32Array;
  /** How much of the clips is searched, and how much there is, in seconds. */
  readonly seconds: { readonly searched: number; readonly all: number };

  constructor(clips: ClipSource, sampleRate: number) {
    this.#factor = Math.max(1, Math.floor(sampleRate / searchRate));
    const most = Math.max(1, Math.floor((mostSeconds * sampleRate) / clips.clipSamples));
    this.#clips = some(clips, most);
    const inSeconds = ({ clipCount, clipSamples }: ClipSource): number => (clipCount * clipSamples) / sampleRate;
    this.seconds = { searched: inSeconds(this.#clips), all: inSeconds(clips) };
    const low = (i: number): Float32Array => decimate(checkedClip(this.#clips, i), this.#factor);
    const looked = some(this.#clips, 64);
    const spectrum = new Float64Array(whiteningSize / 2 + 1);
    for (let i = 0; i < looked.clipCount; i++) {
      powerSpectrum(decimate(checkedClip(looked, i), this.#factor), { size: whiteningSize })
        .forEach((value, bin) => (spectrum[bin]! += value / looked.clipCount));
    }
    const mean = Math.max(1e-20, meanOverFrequency(spectrum.length, (bin) => spectrum[bin]!));
    const isLooked = (bin: number): boolean => this.#factor === 1 || bin <= highest * whiteningSize;
    const gain = spectrum.map((power, bin) => (isLooked(bin) ? 1 / Math.sqrt(power / mean + whiteningFloor) : 0));
    this.#whitening = spectralFir(gain);
    this.#power = meanOverFrequency(spectrum.length, (bin) => spectrum[bin]! * gain[bin]! ** 2);
    this.#piece = Math.max(8, Math.min(Math.round((pieceSeconds * sampleRate) / this.#factor), Math.floor(clips.clipSamples / this.#factor)));
    this.#clip = (i) => this.#white(low(i));
  }

  /** How alike pieces of these sounds are to what is most alike in the clips: up to 24 pieces, from the middle of sounds. */
  of(sounds: readonly Float32Array[]): Matches {
    const pieces = this.#pieces(sounds);
    const best = new Float64Array(pieces.length);
    const size = 2 ** Math.ceil(Math.log2(4 * this.#piece));
    const transform = complexFft(size);
    const spectra = pieces.map((piece) => transformed(piece, size, transform));
    const found = { re: new Float64Array(size), im: new Float64Array(size) };
    for (let i = 0; i < this.#clips.clipCount; i++) {
      const clip = this.#clip(i);
      const norms = this.#norms(clip);
      for (let start = 0; start < norms.length; start += size - this.#piece + 1) {
        const block = transformed(clip.subarray(start, start + size), size, transform);
        const lags = Math.min(size - this.#piece + 1, norms.length - start);
        for (let pair = 0; pair < pieces.length; pair += 2) {
          // The correlations of two pieces are real: one is the real part of an inverse transform, one the imaginary.
          correlate(found, block, [spectra[pair]!, spectra[pair + 1] ?? spectra[pair]!]);
          transform(found.im, found.re); // exchanged: the inverse
          best[pair] = Math.max(best[pair]!, largest(found.re, norms.subarray(start, start + lags)));
          if (pair + 1 < best.length) best[pair + 1] = Math.max(best[pair + 1]!, largest(found.im, norms.subarray(start, start + lags)));
        }
      }
    }
    return { matches: [...best].sort((a, b) => a - b) };
  }

  #white(low: Float32Array): Float32Array {
    return filterEvery(low, this.#whitening, 1);
  }

  /** Whitened pieces of norm 1; silence is zero throughout. */
  #pieces(sounds: readonly Float32Array[]): Float32Array[] {
    const perSound = Math.max(1, Math.floor(mostPieces / sounds.length));
    const chosen = some({ clipCount: sounds.length, clipSamples: 0, clip: (i) => sounds[i]! }, mostPieces);
    return Array.from({ length: chosen.clipCount }, (_, i) => {
      const sound = this.#white(decimate(chosen.clip(i), this.#factor));
      const length = Math.min(this.#piece, sound.length);
      const count = Math.min(perSound, Math.max(1, Math.floor(sound.length / length)));
      return Array.from({ length: count }, (_, k) => {
        const start = Math.floor(((k + 0.5) / count) * (sound.length - length));
        const piece = sound.slice(start, start + length);
        const energy = piece.reduce((sum, value) => sum + value * value, 0);
        const gain = energy > silence * this.#power * length ? 1 / Math.sqrt(energy) : 0;
        return piece.map((value) => gain * value);
      });
    }).flat();
  }

  /** 1 / norm of the clip's part at every position that a whole piece fits at; 0 for silence. */
  #norms(clip: Float32Array): Float64Array {
    const length = this.#piece;
    const sums = new Float64Array(clip.length + 1);
    clip.forEach((value, n) => (sums[n + 1] = sums[n]! + value * value));
    return Float64Array.from({ length: clip.length - length + 1 }, (_, k) => {
      const energy = sums[k + length]! - sums[k]!;
      return energy > silence * this.#power * length ? 1 / Math.sqrt(energy) : 0;
    });
  }
}

interface Frame {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

type Transform = (re: Float64Array, im: Float64Array) => void;

function transformed(sound: Float32Array, size: number, transform: Transform): Frame {
  const frame = { re: new Float64Array(size), im: new Float64Array(size) };
  frame.re.set(sound);
  transform(frame.re, frame.im);
  return frame;
}

/** The spectrum Y·X̄ₐ + i·Y·X̄_b, whose inverse has Σ_n x_n·y_{n+k} of piece a in its real part and of piece b in its imaginary one. */
function correlate(out: Frame, block: Frame, [a, b]: readonly [Frame, Frame]): void {
  const size = out.re.length;
  for (let k = 0; k < size; k++) {
    const [x, y] = [block.re[k]! / size, block.im[k]! / size];
    const [aRe, aIm, bRe, bIm] = [a.re[k]!, a.im[k]!, b.re[k]!, b.im[k]!];
    out.re[k] = x * aRe + y * aIm - (y * bRe - x * bIm);
    out.im[k] = y * aRe - x * aIm + (x * bRe + y * bIm);
  }
}

function largest(correlation: Float64Array, norms: Float64Array): number {
  let most = 0;
  for (let k = 0; k < norms.length; k++) {
    const value = Math.abs(correlation[k]!) * norms[k]!;
    if (value > most) most = value;
  }
  return most;
}
