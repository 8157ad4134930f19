/** How clips are cut into windows. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { receptiveField } from '../../../src/diffwave/model/shapes.ts';
import { windowWidth, windowsOf } from '../../../src/diffwave/sampling/tiles.ts';
import { UserError } from '../../../src/errors.ts';
import { tinyConfig } from '../tiny.ts';

const test = suite('tiles');

const halo = (receptiveField(tinyConfig) - 1) / 2; // 7

test('windows: cores touch, and no sample that is kept sees a cut', () => {
  for (let L = 1; L <= 60; L++) {
    for (const width of [2 * halo + 1, 2 * halo + 2, 23, 40, 64]) {
      let next = 0;
      for (const { start, coreStart, coreEnd } of windowsOf({ L, width, halo })) {
        const end = start + Math.min(width, L);
        const what = `L ${L}, width ${width}, window at ${start}, core ${coreStart}–${coreEnd}`;
        assert.is(coreStart, next, what);
        assert.ok(coreEnd > coreStart, what);
        assert.ok(start >= 0 && end <= L, what);
        assert.ok(start === 0 || coreStart - start >= halo, what);
        assert.ok(end === L || end - coreEnd >= halo, what);
        next = coreEnd;
      }
      assert.is(next, L);
    }
  }
});

test('windows of a loop: every core has its margins, past the ends too', () => {
  for (let L = 1; L <= 60; L++) {
    for (const width of [2 * halo + 1, 2 * halo + 2, 23, 40, 100]) {
      if (L < halo && width < L + 2 * halo) continue; // has to be one window
      let next = 0;
      for (const { start, coreStart, coreEnd } of windowsOf({ L, width, halo, loop: true })) {
        const end = start + Math.min(width, L + 2 * halo);
        const what = `L ${L}, width ${width}, window at ${start}, core ${coreStart}–${coreEnd}`;
        assert.is(coreStart, next, what);
        assert.ok(coreEnd > coreStart && coreStart - start >= halo && end - coreEnd >= halo && end <= L + halo, what);
        next = coreEnd;
      }
      assert.is(next, L);
    }
  }
  assert.throws(() => windowsOf({ L: halo - 1, width: 2 * halo + 1, halo, loop: true }), /shorter than the margin/);
});

test('windows of a gap: they decide the gap and nothing else, with its margins or the clip\'s ends', () => {
  for (const loop of [false, true]) {
    for (let L = loop ? halo : 1; L <= 40; L++) {
      for (const [from, to] of [[0, 1], [0, L], [3, 5], [L - 2, L], [9, 30], [L - 9, L - 8]] as const) {
        if (from < 0 || to > L || from >= to) continue;
        const seen = loop ? to - from + 2 * halo : Math.min(L, to + halo) - Math.max(0, from - halo);
        const whole = loop ? L + 2 * halo : L;
        for (const width of [seen, 2 * halo + 1, 2 * halo + 3].map((each) => Math.min(each, whole))) {
          let next = from;
          for (const { start, coreStart, coreEnd } of windowsOf({ L, width, halo, loop, core: [from, to] })) {
            const what = `L ${L}, loop ${loop}, gap ${from}–${to}, width ${width}, window at ${start}, core ${coreStart}–${coreEnd}`;
            const end = start + width;
            assert.is(coreStart, next, what);
            assert.ok(coreEnd > coreStart && coreEnd <= to, what);
            assert.ok(loop ? start >= -halo && end <= L + halo : start >= 0 && end <= L, what);
            assert.ok((!loop && start === 0) || coreStart - start >= halo, what);
            assert.ok((!loop && end === L) || end - coreEnd >= halo, what);
            next = coreEnd;
          }
          assert.is(next, to);
        }
      }
    }
  }
});

test('a window that is all margin is refused', () => {
  assert.throws(
    () => windowsOf({ L: 100, width: 2 * halo, halo }),
    /a window of 14 samples has no core between two margins of 7/,
  );
});

test('the width is what the adapter takes, at most the clip', () => {
  const width = (B: number, L: number, maxStorageBufferBindingSize: number): number =>
    windowWidth({ receptiveField: receptiveField(tinyConfig), width: 2 * tinyConfig.channels }, { B, L }, { maxStorageBufferBindingSize });
  const row = 2 * tinyConfig.channels * 4; // bytes
  assert.is(width(1, 50, 1e9), 50);
  assert.is(width(1, 10_000, 1000 * row), 1000);
  assert.is(width(3, 10_000, 1000 * row), 333);
  const message = /^40 clips at once are too many .* 15 samples: use a smaller batch$/;
  assert.throws(() => width(40, 10_000, 1000 * row), (error: unknown) =>
    error instanceof UserError && message.test(error.message));
});

test.run();
