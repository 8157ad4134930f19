/**
 * What happens to sound before a network sees it, and is undone in what it makes. The forward process keeps the variance of data
 * whose variance is 1; music at an RMS of 0.15 lies 16 dB below the noise that it ends in, so that most diffusion steps show nothing of it.
 * And its power falls from low tones to high ones, while the noise is white: what is left of the noise at the end, a hiss beside
 * music, becomes as steep as music by a first-order filter that speech coding has long used (pre-emphasis). docs/recipe.md has what
 * both are worth.
 */

export interface Shaping {
  /** Samples are multiplied by it, after the filter. */
  readonly scale: number;
  /** a of the filter y[n] = x[n] − a·x[n−1], from 0 (none) to below 1. */
  readonly emphasis: number;
}

/** Sound as it is. */
export const unshaped: Shaping = { scale: 1, emphasis: 0 };

export const isUnshaped = ({ scale, emphasis }: Shaping): boolean => scale === 1 && emphasis === 0;

/** What the network sees of `audio`, (L): scale·(x[n] − a·x[n−1]). `before` is the sample before the first. */
export function shape(audio: Float32Array, { scale, emphasis }: Shaping, before = 0): Float32Array<ArrayBuffer> {
  const shaped = new Float32Array(audio.length);
  let previous = before;
  for (let n = 0; n < audio.length; n++) {
    shaped[n] = scale * (audio[n]! - emphasis * previous);
    previous = audio[n]!;
  }
  return shaped;
}

/**
 * The sound of what a network made, (L), in its place: x[n] = y[n]/scale + a·x[n−1]. In a `loop` the sample before the first is the
 * last one. What is made stretch by stretch goes on from `before`, which the stretch before has returned.
 */
export function unshape(made: Float32Array, { scale, emphasis }: Shaping, { loop = false, before = 0 } = {}): number {
  if (scale === 1 && emphasis === 0) return 0;
  let previous = loop ? lastOfLoop(made, { scale, emphasis }) : before;
  for (let n = 0; n < made.length; n++) {
    previous = made[n]! / scale + emphasis * previous;
    made[n] = previous;
  }
  return previous; // as a float64: a stretch goes on as if there were no seam
}

/** x[L−1] of the one periodic solution: what comes round after L samples is a^L of it, and what the clip adds. */
function lastOfLoop(made: Float32Array, { scale, emphasis }: Shaping): number {
  let last = 0;
  for (const value of made) last = value / scale + emphasis * last;
  return last / (1 - emphasis ** made.length);
}

/**
 * The same where all but the samples [from, to) are `known`: those stay what they are to the bit, and the filter is undone in the gap
 * alone. So that it meets what follows, its difference there is spread backwards over the gap, as a^distance.
 */
export function unshapeGap(made: Float32Array, shaping: Shaping, { known, gap: [from, to], loop = false }: {
  known: Float32Array; gap: readonly [from: number, to: number]; loop?: boolean;
}): void {
  const { scale, emphasis } = shaping;
  if (isUnshaped(shaping)) return;
  let previous = from > 0 ? known[from - 1]! : loop && to < known.length ? known.at(-1)! : 0;
  for (let n = from; n < to; n++) {
    previous = made[n]! / scale + emphasis * previous;
    made[n] = previous;
  }
  if (to < made.length) {
    // What the network says of the first sample behind the gap against what is there.
    let difference = made[to]! / scale + emphasis * previous - known[to]!;
    for (let n = to - 1; n >= from && difference !== 0; n--) made[n] = made[n]! - (difference *= emphasis);
  }
  made.set(known.subarray(0, from));
  made.set(known.subarray(to), to);
}

/** Where the network sees a gap in the sound: the sample behind it is not known to it, as the filter takes it together with the last. */
export function shapedGap([from, to]: readonly [number, number], { L, emphasis }: { L: number; emphasis: number }): [from: number, to: number] {
  return [from, emphasis === 0 ? to : Math.min(L, to + 1)];
}

/** RMS of white noise of RMS 1 to the network: scale·√(1 + a²). */
export const noiseGain = ({ scale, emphasis }: Shaping): number => scale * Math.sqrt(1 + emphasis ** 2);

/** The largest magnitude to the network of a sound within ±`limit`: neighbours of opposite sign. */
export const largestShaped = (limit: number, { scale, emphasis }: Shaping): number => limit * scale * (1 + emphasis);
