import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { philox4x32, seedKey, uniform, uniforms } from '../src/random.ts';

const test = suite('random');
const hex = (words: Uint32Array): string => Array.from(words, (word) => word.toString(16).padStart(8, '0')).join(' ');
const PLACE = { seed: 7, stream: 1, step: 2, item: 3, index: 4 };

test('philox4x32-10 gives the known answers of Random123', () => {
  const ones = 0xffffffff;
  assert.is(hex(philox4x32({ counter: [0, 0, 0, 0], key: [0, 0] })), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  assert.is(hex(philox4x32({ counter: [ones, ones, ones, ones], key: [ones, ones] })),
    '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.is(
    hex(philox4x32({
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], key: [0xa4093822, 0x299f31d0] })),
    'd16cfe09 94fdcceb 5001e420 24126ea1');
});

test('uniform takes the lane of its block, in [0, 1), in multiples of 2^-24', () => {
  const block = philox4x32({ counter: [1, 3, 2, 1], key: [7, 0] });
  for (const lane of [0, 1, 2, 3]) {
    assert.is(uniform({ ...PLACE, index: 4 + lane }), Math.floor(block[lane]! / 256) / 2 ** 24);
  }
  const values = Array.from({ length: 4000 }, (_, index) => uniform({ ...PLACE, index }));
  assert.ok(values.every((u) => u >= 0 && u < 1 && Number.isInteger(u * 2 ** 24)));
  const mean = values.reduce((sum, u) => sum + u, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) <= 5 * Math.sqrt(1 / 12 / values.length), `mean ${mean}, five sigmas allowed`);
});

test('many at once are the same numbers', () => {
  const { index: _, ...place } = PLACE;
  for (const length of [0, 1, 3, 4, 6]) {
    assert.equal(uniforms({ ...place, length }), Float64Array.from({ length }, (_, index) => uniform({ ...place, index })));
  }
});

test('every coordinate of the place matters, the upper half of the seed too', () => {
  const places = [PLACE, { ...PLACE, seed: 8 }, { ...PLACE, seed: 7 + 2 ** 32 }, { ...PLACE, stream: 9 },
    { ...PLACE, step: 9 }, { ...PLACE, item: 9 }, { ...PLACE, index: 9 }];
  assert.is(new Set(places.map(uniform)).size, places.length);
});

test('seeds and counters that would wrap around are refused', () => {
  assert.equal(seedKey(2 ** 53 - 1), [0xffffffff, 0x1fffff]);
  for (const seed of [-1, 0.5, 2 ** 53, NaN]) assert.throws(() => seedKey(seed), /seed .* not/);
  for (const field of ['stream', 'step', 'item', 'index']) {
    for (const bad of [-1, 0.5, 2 ** 32, NaN]) {
      assert.throws(() => uniform({ ...PLACE, [field]: bad }), /counters .* not/, `${field} ${bad}`);
    }
  }
});

test.run();
