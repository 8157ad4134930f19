/** Random normals: Philox words through Box and Muller's transform (1958). No gradient. */
import { randomBlock, unitInterval } from '../random.ts';
import type { RandomPlace } from '../random.ts';

export { philox4x32, uniform } from '../random.ts';

/**
 * A standard normal number that depends on nothing but its place. The four words of a Philox block give four normals:
 * words 0 and 1 the lanes 0 and 1, words 2 and 3 the lanes 2 and 3.
 */
export function normal(place: RandomPlace): number {
  return normalsOfBlock(randomBlock(place))[place.index & 3]!;
}

/** The normals with index offset … offset + length − 1 of one item. */
export function normals(
  { seed, stream, step, item, length, offset = 0 }: Omit<RandomPlace, 'index'> & { length: number; offset?: number },
): Float64Array {
  const values = new Float64Array(length);
  let block: Float64Array = new Float64Array(4);
  for (let i = 0; i < length; i++) {
    const index = offset + i;
    if (i === 0 || index % 4 === 0) block = normalsOfBlock(randomBlock({ seed, stream, step, item, index }));
    values[i] = block[index % 4]!;
  }
  return values;
}

/** u1 lies in (0, 1], so its logarithm is finite: no normal is beyond √(48 ln 2) ≈ 5.77. */
function normalsOfBlock(words: Uint32Array): Float64Array {
  const block = new Float64Array(4);
  for (const pair of [0, 2]) {
    const u1 = unitInterval(words[pair]!) + 2 ** -24;
    const u2 = unitInterval(words[pair + 1]!);
    const radius = Math.sqrt(-2 * Math.log(u1));
    block[pair] = radius * Math.cos(2 * Math.PI * u2);
    block[pair + 1] = radius * Math.sin(2 * Math.PI * u2);
  }
  return block;
}
