/** Windows of several log-mel frames as few numbers: how a spectrum moves within 150 ms. */
import type { LogMel } from './logMel.ts';

/** Frames of a window: 150 ms, an onset and what follows. */
export const contextFrames = 12;
/** From one window to the next: they overlap by half. */
const contextHop = contextFrames / 2;
/** Coefficient q over the bands, r over the frames is kept where q/2 + r is below this: 12 of r = 0, 10 of r = 1, … 2 of r = 5. */
const order = 6;

interface Coefficient {
  readonly q: number;
  readonly r: number;
}

/**
 * The embedding: of every window of 12 log-mel frames, 6 frames apart, the two-dimensional orthonormal DCT-II
 *
 *   c[q, r] = a_q·a_r·Σ_b Σ_t x[t, b]·cos(π(b + ½)q/bands)·cos(π(t + ½)r/12),   a_0 = √(1/N), else √(2/N),
 *
 * with 0 ≤ q, 0 ≤ r, q/2 + r < 6: 42 numbers of 32 bands. c[0, 0] is loudness, c[q, 0] the colour of the sound (cepstral
 * coefficients, Davis and Mermelstein 1980), c[0, r] the loudness's rise and fall, up to 17 Hz, c[q, r] all that moves otherwise.
 */
export class Embedding {
  /** Numbers of a window. */
  readonly size: number;
  readonly #bands: number;
  readonly #coefficients: readonly Coefficient[];
  readonly #overBands: Float64Array; // (Q, bands)
  readonly #overFrames: Float64Array; // (order, contextFrames)

  constructor(bands: number) {
    const Q = Math.min(bands, 2 * order);
    this.#bands = bands;
    this.#coefficients = Array.from({ length: Q * order }, (_, i) => ({ q: i % Q, r: Math.floor(i / Q) }))
      .filter(({ q, r }) => q / 2 + r < order);
    this.#overBands = cosines(Q, bands);
    this.#overFrames = cosines(order, contextFrames);
    this.size = this.#coefficients.length;
  }

  /** The windows of some frames: (windows, size), none where there are fewer frames than a window has. */
  of({ frames, values }: LogMel): Float64Array {
    const Q = this.#overBands.length / this.#bands;
    const cepstra = new Float64Array(frames * Q);
    for (let frame = 0; frame < frames; frame++) {
      for (let q = 0; q < Q; q++) {
        let sum = 0;
        for (let b = 0; b < this.#bands; b++) sum += values[frame * this.#bands + b]! * this.#overBands[q * this.#bands + b]!;
        cepstra[frame * Q + q] = sum;
      }
    }
    const windows = Math.max(0, Math.floor((frames - contextFrames) / contextHop) + 1);
    const points = new Float64Array(windows * this.size);
    for (let window = 0; window < windows; window++) {
      this.#coefficients.forEach(({ q, r }, i) => {
        let sum = 0;
        for (let t = 0; t < contextFrames; t++) sum += cepstra[(window * contextHop + t) * Q + q]! * this.#overFrames[r * contextFrames + t]!;
        points[window * this.size + i] = sum;
      });
    }
    return points;
  }
}

/** Rows of the orthonormal DCT-II: (count, length). */
function cosines(count: number, length: number): Float64Array {
  return Float64Array.from({ length: count * length }, (_, i) => {
    const [k, n] = [Math.floor(i / length), i % length];
    return Math.sqrt((k === 0 ? 1 : 2) / length) * Math.cos((Math.PI * (n + 0.5) * k) / length);
  });
}
