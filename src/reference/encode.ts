/** What the network is told about the diffusion step t: sines and cosines of t at many frequencies. No gradient. */

/** `transformer`: Vaswani et al. 2017, section 3.5. `diffwave`: Kong et al. 2021, section 3.1. */
export type Encoding = 'transformer' | 'diffwave';

/**
 * One row of encodings for each t, (t.length, width). `transformer` has sin(t / 10000^(2i/width)) at place 2i and the
 * cosine at 2i + 1; `diffwave` has the sines of t·10^(4i/(width/2 − 1)) in the first half, the cosines in the second.
 * Between whole steps the two rows around t are interpolated linearly, as DiffWave's fast sampling wants it: the
 * higher frequencies of `diffwave` turn many times within one step, so that sin(t·f) there was never seen in training.
 */
export function encode(
  { kind, t, width }: { kind: Encoding; t: ArrayLike<number>; width: number },
): Float64Array {
  const table = new Float64Array(t.length * width);
  for (let row = 0; row < t.length; row++) {
    const below = Math.floor(t[row]!);
    const fraction = t[row]! - below;
    for (let place = 0; place < width; place++) {
      const low = encodingAt({ kind, t: below, place, width });
      const high = encodingAt({ kind, t: below + 1, place, width });
      table[row * width + place] = low + fraction * (high - low);
    }
  }
  return table;
}

/** The encodings of t = 0 … steps − 1, (steps, width). */
export function encodingTable(
  { kind, steps, width }: { kind: Encoding; steps: number; width: number },
): Float64Array {
  return encode({ kind, t: Array.from({ length: steps }, (_, t) => t), width });
}

function encodingAt({ kind, t, place, width }: { kind: Encoding; t: number; place: number; width: number }): number {
  if (kind === 'transformer') {
    const angle = t / 10000 ** ((place - (place % 2)) / width);
    return place % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  }
  const half = width / 2;
  const angle = t * 10 ** ((4 * (place % half)) / (half - 1));
  return place < half ? Math.sin(angle) : Math.cos(angle);
}
