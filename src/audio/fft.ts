/** A small radix-2 FFT (Cooley and Tukey 1965; decimation in time, in place). */

export interface Spectrum {
  readonly re: Float64Array; // (size / 2 + 1), bin k at k · sampleRate / size
  readonly im: Float64Array; // (size / 2 + 1)
}

/**
 * Prepares the tables for one size and returns the transform X_k = Σ_n x_n · exp(−2πi·kn / size), k = 0 … size / 2.
 * The returned function reuses its result: copy what must outlive the next call.
 *
 * @param size a power of two, at least 2
 * @throws RangeError when the size is no power of two
 */
export function realFft(size: number): (frame: ArrayLike<number>) => Spectrum {
  if (!Number.isInteger(Math.log2(size)) || size < 2) {
    throw new RangeError(`realFft: the size must be a power of two and at least 2, not ${size}`);
  }
  const reversed = bitReversal(size);
  const turn = butterflies(size);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  const spectrum = { re: re.subarray(0, size / 2 + 1), im: im.subarray(0, size / 2 + 1) };

  return (frame) => {
    if (frame.length !== size) throw new RangeError(`realFft: a frame must have ${size} samples, not ${frame.length}`);
    for (let n = 0; n < size; n++) re[n] = frame[reversed[n]!]!;
    im.fill(0);
    turn(re, im);
    return spectrum;
  };
}

/**
 * The transform of complex signals, of all `size` frequencies: X_k = Σ_n (re_n + i·im_n)·exp(−2πi·kn / size). The returned function
 * overwrites its arguments with the result. With re and im exchanged, going in and coming out, it is the inverse times `size`.
 *
 * @param size a power of two, at least 2
 * @throws RangeError when the size is no power of two
 */
export function complexFft(size: number): (re: Float64Array, im: Float64Array) => void {
  if (!Number.isInteger(Math.log2(size)) || size < 2) {
    throw new RangeError(`complexFft: the size must be a power of two and at least 2, not ${size}`);
  }
  const reversed = bitReversal(size);
  const turn = butterflies(size);
  return (re, im) => {
    if (re.length !== size || im.length !== size) {
      throw new RangeError(`complexFft: a frame must have ${size} samples, not ${re.length} and ${im.length}`);
    }
    for (let n = 0; n < size; n++) {
      const other = reversed[n]!;
      if (other <= n) continue;
      [re[n], re[other]] = [re[other]!, re[n]!];
      [im[n], im[other]] = [im[other]!, im[n]!];
    }
    turn(re, im);
  };
}

/** All passes over a frame whose samples are in bit-reversed order. */
function butterflies(size: number): (re: Float64Array, im: Float64Array) => void {
  const cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  return (re, im) => {
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half); // of the twiddle factors
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = start + k;
          const b = a + half;
          const c = cos[k * stride];
          const s = sin[k * stride];
          const turnedRe = re[b]! * c! - im[b]! * s!;
          const turnedIm = re[b]! * s! + im[b]! * c!;
          re[b] = re[a]! - turnedRe;
          im[b] = im[a]! - turnedIm;
          re[a]! += turnedRe;
          im[a]! += turnedIm;
        }
      }
    }
  };
}

/** For every index below `size` the index with its bits in the opposite order. */
function bitReversal(size: number): Uint32Array {
  const reversed = new Uint32Array(size);
  for (let n = 1; n < size; n++) reversed[n] = (reversed[n >> 1]! >> 1) | (n & 1 ? size >> 1 : 0);
  return reversed;
}
