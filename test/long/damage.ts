/** Damage to files, the same every time: what disks, cables, editors and hands do to bytes and to JSON. */
import { uniform } from '../../src/random.ts';

/** Numbers of one case; the same case has the same numbers. */
export class Dice {
  readonly #place: { readonly seed: number; readonly item: number };
  #index = 0;

  constructor(seed: number, item: number) {
    this.#place = { seed, item };
  }

  /** A whole number from 0 to below `below`. */
  below(below: number): number {
    return Math.floor(uniform({ ...this.#place, stream: 0, step: 0, index: this.#index++ }) * below);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const extremes = [0, 1, 0x7f, 0x80, 0xff];

/** A copy with some of it changed. Headers are hit as often as all the rest. */
export function damaged(bytes: Uint8Array, dice: Dice): Uint8Array<ArrayBuffer> {
  let result: Uint8Array<ArrayBuffer> = new Uint8Array(bytes);
  const place = (): number => dice.below(dice.below(2) === 0 ? Math.min(128, result.length + 1) : result.length + 1);
  for (let times = 1 + dice.below(4); times > 0 && result.length > 0; times--) {
    const at = Math.min(place(), result.length - 1);
    switch (dice.below(7)) {
      case 0: result[at]! ^= 1 << dice.below(8); break;
      case 1: result[at] = dice.of(extremes); break;
      case 2: result.fill(dice.of(extremes), at, at + 4); break; // a size, or a count
      case 3: result = result.slice(0, at); break;
      case 4: result = joined(result.subarray(0, at), result.subarray(at + 1 + dice.below(16))); break;
      case 5: result = joined(result.subarray(0, at), result.subarray(place(), place()), result.subarray(at)); break;
      case 6: for (let i = at; i < Math.min(result.length, at + 64); i++) result[i] = dice.below(256); break;
    }
  }
  return result;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

const strangers: readonly unknown[] = [null, 0, -1, 0.5, 1e300, 2 ** 53, true, '', 'x', '\n', [], {}, [null], { length: 3 }, '../..'];

/** The text of a value with one of its parts missing, doubled, or of another kind. */
export function damagedJson(value: unknown, dice: Dice): string {
  const copy = JSON.parse(JSON.stringify(value));
  if (dice.below(20) === 0) return JSON.stringify(dice.of(strangers));
  let parent = copy;
  for (;;) {
    const keys = Object.keys(parent);
    const key = dice.of(keys);
    const child = parent[key];
    if (typeof child === 'object' && child !== null && Object.keys(child).length > 0 && dice.below(4) > 0) {
      parent = child;
      continue;
    }
    if (dice.below(4) === 0) delete parent[key];
    else parent[key] = dice.of(strangers);
    return JSON.stringify(copy);
  }
}
