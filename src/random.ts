/**
 * Random numbers that are a function of where they are used and of nothing else: Philox 4x32-10 (Salmon, Moraes, Dror
 * and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). There is no state to save, and a number does not
 * depend on batch, tile or order, so a resumed run and another adapter see the same ones. A leaf: imports nothing.
 */

/** Where a random number belongs. Every field is a non-negative integer below 2^32, the seed one up to 2^53 - 1. */
export interface RandomPlace {
  readonly seed: number; // the run's
  readonly stream: number; // what the numbers are for; two uses never share one
  readonly step: number; // training step or reverse step
  readonly item: number; // item of the batch
  readonly index: number; // number within the item
}

/** Counters are of 32 bits: so many steps, items or indices there are, and the next one would be the first again. */
export const counters = 2 ** 32;

const ROUNDS = 10;
// Multipliers and key increments of the paper's section 3.3: the increments are the golden ratio and √3 - 1.
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** The upper 32 bits of a · b for unsigned 32-bit a and b, from 16-bit halves because a double holds only 53 bits. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh] = [a & 0xffff, a >>> 16];
  const [bLow, bHigh] = [b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // below 2^32
  const carried = aLow * bHigh + (middle & 0xffff); // below 2^32
  return (aHigh * bHigh + (middle >>> 16) + (carried >>> 16)) >>> 0;
}

/** One block of Philox 4x32-10: four uniform 32-bit words from four counter words and two key words. */
export function philox4x32({ counter, key }: { counter: ArrayLike<number>; key: ArrayLike<number> }): Uint32Array {
  let [c0, c1, c2, c3] = [counter[0], counter[1], counter[2], counter[3]];
  let [k0, k1] = [key[0], key[1]];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0!);
    const high1 = multiplyHigh(MULTIPLIER_1, c2!);
    const low0 = Math.imul(MULTIPLIER_0, c0!);
    const low1 = Math.imul(MULTIPLIER_1, c2!);
    [c0, c1, c2, c3] = [(high1 ^ c1! ^ k0!) >>> 0, low1 >>> 0, (high0 ^ c3! ^ k1!) >>> 0, low0 >>> 0];
    k0 = (k0! + WEYL_0) >>> 0;
    k1 = (k1! + WEYL_1) >>> 0;
  }
  return Uint32Array.of(c0!, c1!, c2!, c3!);
}

/** The two key words of a seed: its lower 32 bits, then the rest. Throws a RangeError unless 0 ≤ seed ≤ 2^53 - 1. */
export function seedKey(seed: number): readonly [low: number, high: number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`A seed is a whole number from 0 to 2^53 - 1, not ${seed}.`);
  }
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** The block of four words that `place.index` falls into; the word itself is number `place.index & 3`. */
export function randomBlock({ seed, stream, step, item, index }: RandomPlace): Uint32Array {
  const counter = [index >>> 2, item, step, stream];
  for (const word of [index, item, step, stream]) {
    // A counter that wrapped around would silently repeat numbers.
    if (!(Number.isInteger(word) && word >= 0 && word < counters)) {
      throw new RangeError(`Random counters are whole numbers from 0 to 2^32 - 1, not ${word}.`);
    }
  }
  return philox4x32({ counter, key: seedKey(seed) });
}

/** The upper 24 bits of a word, as many as a float32 holds exactly, as a number in [0, 1). */
export const unitInterval = (word: number): number => (word >>> 8) * 2 ** -24;

/** A uniform number in [0, 1), a multiple of 2^-24. Lane `index & 3` of its block. */
export function uniform(place: RandomPlace): number {
  return unitInterval(randomBlock(place)[place.index & 3]!);
}

/** The numbers `uniform` gives for the indices 0 … length − 1, four from a block. */
export function uniforms({ length, ...place }: Omit<RandomPlace, 'index'> & { length: number }): Float64Array {
  const numbers = new Float64Array(length);
  for (let index = 0; index < length; index += 4) {
    const block = randomBlock({ ...place, index });
    for (let lane = 0; lane < 4 && index + lane < length; lane++) numbers[index + lane] = unitInterval(block[lane]!);
  }
  return numbers;
}
