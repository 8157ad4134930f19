import { decode } from 'fast-png';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sequenceImage } from '../../src/pictures/sequenceImage.ts';
import { colorMap } from '../../src/pictures/spectrogramImage.ts';
import { noise, sine } from '../audio/helpers.ts';

const test = suite('sequenceImage');

const sampleRate = 7350;

test('a row for each step, the noise on top bright everywhere, the tone at the bottom in one line', () => {
  const tone = sine({ hertz: 1837.5, sampleRate, samples: 7350 });
  const { data, width, height } = decode(sequenceImage(
    [{ label: '2', samples: noise(7350) }, { label: '1', samples: tone }, { label: '0', samples: tone }], { sampleRate },
  ));
  assert.is(height, 2 * 12 + 3 * 96 + 2 * 6);
  const brightness = (x: number, y: number): number => data[(y * width + x) * 3]! + data[(y * width + x) * 3 + 1]!;
  const column = (row: number): number[] =>
    Array.from({ length: 96 }, (_, y) => brightness(width - 400, 12 + row * 102 + y));
  const dark = colorMap(0.2)[0] + colorMap(0.2)[1];
  assert.ok(column(0).every((value) => value > dark), 'noise');
  for (const row of [1, 2]) {
    const levels = column(row);
    assert.ok(Math.abs(levels.indexOf(Math.max(...levels)) - 48) <= 1, 'a quarter of the rate is the middle of the row');
    assert.ok(levels[5]! < dark, 'nothing but the tone');
  }
});

test('many rows are thin ones; none is refused', () => {
  const rows = Array.from({ length: 201 }, (_, i) => ({ label: String(i), samples: noise(100) }));
  assert.ok(decode(sequenceImage(rows, { sampleRate: 300 })).height <= 4000);
  assert.throws(() => sequenceImage([], { sampleRate }), /there are no rows/);
});

test.run();
