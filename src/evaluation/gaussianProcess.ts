/** Noise to compare with: what a network would make that had learnt a spectrum and nothing else. */
import { realFft } from '../audio/fft.ts';
import { uniforms } from '../random.ts';
import type { RandomPlace } from '../random.ts';
import { interpolated } from './logMel.ts';

/** Samples after which the correlation of a process from 1024-sample frames has died away: no end may meet the beginning within. */
const memory = 2048;

/**
 * Pieces of stationary Gaussian processes, one for each of the given power spectra, from the same normal numbers; exactly: circulant embedding (Dietrich and Newsam, SIAM J.
 * Sci. Comput. 18(4), 1997). The discrete Hartley transform (Bracewell, JOSA 73(12), 1983) is orthogonal and turns independent
 * normal numbers with the variance S(f) into a circular process with the spectrum S; a piece of it that does not go all the way
 * round knows nothing of the circle. Between the bins S is a straight line.
 *
 * @param spectra each (N/2 + 1) as from `powerSpectrum`: white noise of variance 1 is 1
 * @param length samples of a piece
 */
export function gaussianProcesses(
  spectra: readonly ArrayLike<number>[], { length, place }: { length: number; place: Omit<RandomPlace, 'index'> },
): Float32Array[] {
  const size = 2 ** Math.ceil(Math.log2(length + memory));
  const normals = normalNumbers(size, place);
  const transform = realFft(size);
  const half = size / 2;
  return spectra.map((spectrum) => {
    const { re, im } = transform(shaped(normals, spectrum));
    // Σ h·(cos + sin): the transform has −sin in its imaginary part, and its second half mirrors the first.
    return Float32Array.from({ length }, (_, n) => (n <= half ? re[n]! - im[n]! : re[size - n]! + im[size - n]!));
  });
}

/** Independent numbers of variance 1 as ones of variance S(f)/size at the frequencies of a Hartley transform. */
function shaped(normals: Float64Array, spectrum: ArrayLike<number>): Float64Array {
  const size = normals.length;
  return normals.map((normal, k) => {
    const power = interpolated(spectrum, (Math.min(k, size - k) / (size / 2)) * (spectrum.length - 1));
    return normal * Math.sqrt(Math.max(0, power) / size);
  });
}

/** Normally distributed numbers (Box and Muller 1958); `length` is even. */
function normalNumbers(length: number, place: Omit<RandomPlace, 'index'>): Float64Array {
  const numbers = uniforms({ ...place, length });
  for (let i = 0; i < length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]!)); // 1 − u is above 0
    const angle = 2 * Math.PI * numbers[i + 1]!;
    numbers[i] = radius * Math.cos(angle);
    numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}
