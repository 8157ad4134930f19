import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { augment } from '../../../src/diffwave/training/augmentation.ts';
import type { AugmentOptions } from '../../../src/diffwave/training/augmentation.ts';

const test = suite('augmentation');

/** What a crop was multiplied by, in each of the first 400 steps. */
function factors(crop: readonly number[], options: Partial<AugmentOptions>): number[] {
  return Array.from({ length: 400 }, (_, step) => {
    const changed = Float32Array.from(crop);
    augment(changed, { seed: 1, step, item: 0, ...options });
    const factor = changed[0]! / crop[0]!;
    for (const [i, value] of changed.entries()) assert.ok(Math.abs(value - factor * crop[i]!) < 1e-6, 'one factor for all');
    return factor;
  });
}

test('off by default', () => {
  assert.equal(new Set(factors([0.5, -0.25], {})), new Set([1]));
});

test('polarity: half of the crops, and nothing else', () => {
  const flips = factors([0.5, -0.25], { polarityFlip: true });
  assert.equal(new Set(flips), new Set([1, -1]));
  // 200 of 400 with a standard deviation of 10.
  assert.ok(Math.abs(flips.filter((factor) => factor === -1).length - 200) <= 50);
});

test('gain: even in decibels', () => {
  const decibels = factors([0.25, -0.125], { gainDb: 6 }).map((factor) => 20 * Math.log10(factor));
  assert.ok(decibels.every((gain) => Math.abs(gain) <= 6));
  assert.ok(Math.max(...decibels) > 5.8 && Math.min(...decibels) < -5.8);
  // 100 in each quarter with a standard deviation of 8.7.
  for (const low of [-6, -3, 0, 3]) {
    const count = decibels.filter((gain) => gain >= low && gain < low + 3).length;
    assert.ok(Math.abs(count - 100) <= 44, `${count} from ${low} to ${low + 3} dB`);
  }
});

test('no louder than full scale, and silence stays silence', () => {
  const loud = factors([0.8, -0.4], { gainDb: 12 });
  assert.ok(Math.abs(Math.max(...loud) - 1 / 0.8) < 1e-6);
  assert.ok(factors([1.5, -0.4], { gainDb: 12 }).every((factor) => factor < 1 + 1e-6), 'what is too loud gets no louder');
  const silence = new Float32Array(3);
  augment(silence, { seed: 1, step: 0, item: 0, gainDb: 12 });
  assert.equal(silence, new Float32Array(3));
});

test.run();
