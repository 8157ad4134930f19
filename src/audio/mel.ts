/** Mel scales, and triangular filters that are equally wide on them. */

/**
 * `htk`: m = 2595·log10(1 + f/700) (O'Shaughnessy, "Speech Communication", 1987; the HTK book, ch. 5.4).
 * `slaney`: 200/3 Hz a mel below 1000 Hz, 27 mel for each factor of 6.4 above (Slaney, "Auditory Toolbox", 1998).
 */
export type MelScale = 'htk' | 'slaney';

const linear = { hertzOfMel: 200 / 3, toHz: 1000, toMel: 15, step: Math.log(6.4) / 27 };

/** Frequency in Hz to mel. */
export function melOf(hertz: number, scale: MelScale = 'htk'): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hertz / 700);
  return hertz < linear.toHz ? hertz / linear.hertzOfMel : linear.toMel + Math.log(hertz / linear.toHz) / linear.step;
}

/** Mel to frequency in Hz. */
export function hertzOf(mel: number, scale: MelScale = 'htk'): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1);
  return mel < linear.toMel ? mel * linear.hertzOfMel : linear.toHz * Math.exp((mel - linear.toMel) * linear.step);
}

export interface MelOptions {
  readonly sampleRate: number;
  /** Samples of a frame of the short-time Fourier transform; bin k lies at k · sampleRate / size. */
  readonly size: number;
  readonly bands: number;
  /** Lower end of the lowest band, in Hz; 0 by default. */
  readonly fromHz?: number;
  /** Upper end of the highest band, in Hz; half the sample rate by default. */
  readonly toHz?: number;
  readonly scale?: MelScale;
  /** `peak`: triangles of height 1 (the default). `area`: of area 1 over Hz, height 2 / width. `mean`: weights whose sum is 1. */
  readonly norm?: 'peak' | 'area' | 'mean';
}

/** One filter: the weights of the bins from `first` on; empty where no bin lies within the triangle. */
export interface MelBand {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * A bank of triangular filters over the bins of a spectrum (Davis and Mermelstein, IEEE Trans. ASSP 28(4), 1980): band b rises
 * from edge b to edge b + 1 and falls to edge b + 2, linearly in Hz, where bands + 2 edges are equally far apart in mel.
 *
 * @throws RangeError when there is no band, or the range is empty or goes beyond half the sample rate
 */
export function melBands(options: MelOptions): MelBand[] {
  const { sampleRate, size, bands, fromHz = 0, toHz = sampleRate / 2, scale = 'htk', norm = 'peak' } = options;
  if (!Number.isInteger(bands) || bands < 1) throw new RangeError(`melBands: the number of bands must be at least 1, not ${bands}`);
  if (!(fromHz >= 0 && fromHz < toHz && toHz <= sampleRate / 2)) {
    throw new RangeError(`melBands: ${fromHz} to ${toHz} Hz is no range within 0 to ${sampleRate / 2} Hz`);
  }
  const [low, high] = [melOf(fromHz, scale), melOf(toHz, scale)];
  const edge = (i: number): number => hertzOf(low + ((high - low) * i) / (bands + 1), scale);
  return Array.from({ length: bands }, (_, band) => {
    const [from, peak, to] = [edge(band), edge(band + 1), edge(band + 2)] as const;
    const hertz = (bin: number): number => (bin * sampleRate) / size;
    const first = Math.floor((from * size) / sampleRate) + 1;
    const end = Math.max(first, Math.min(size / 2 + 1, Math.ceil((to * size) / sampleRate)));
    const triangle = Float64Array.from({ length: end - first }, (_, i) => {
      const f = hertz(first + i);
      return Math.max(0, f <= peak ? (f - from) / (peak - from) : (to - f) / (to - peak));
    });
    const sum = triangle.reduce((total, value) => total + value, 0);
    const factor = norm === 'peak' || sum === 0 ? 1 : norm === 'area' ? 2 / (to - from) : 1 / sum;
    return { first, weights: triangle.map((value) => value * factor) };
  });
}
