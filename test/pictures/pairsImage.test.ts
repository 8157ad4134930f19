import { decode } from 'fast-png';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pairsImage } from '../../src/pictures/pairsImage.ts';
import { noise, sine } from '../audio/helpers.ts';

const test = suite('pairsImage');

const sampleRate = 4000;
const tone = sine({ hertz: 1000, sampleRate, samples: 2000 });

/** The plots' places: see the constants of the picture. */
const [edge, gap, text, width, height] = [12, 16, 14 + 8, 200, 110];

function drawn(pairs: Parameters<typeof pairsImage>[0], frame?: number) {
  const picture = decode(pairsImage(pairs, { sampleRate, frame }));
  const color = (column: number, line: number, x: number, y: number): number[] => {
    const at = (edge + line * (text + height + gap) + text + y) * picture.width + edge + column * (width + gap) + x;
    return [...picture.data.subarray(3 * at, 3 * at + 3)];
  };
  return { ...picture, color, level: (...place: [number, number, number, number]) => color(...place).reduce((sum, value) => sum + value, 0) };
}

test('a column for each pair, the sound above, what was made of it below, on the scale of the sound', () => {
  const { level, color, width: all, height: tall } = drawn([
    { above: { label: 'tone', samples: tone }, below: { label: 'noise', samples: noise(2000) } },
    { above: { label: 'tone', samples: tone }, below: { label: 'quiet', samples: tone.map((value) => value / 1e4) } },
    { above: { label: 'tone', samples: tone }, below: { label: 'nothing' } },
  ]);
  assert.equal([all, tall], [2 * edge + 3 * width + 2 * gap, 2 * edge + 2 * (text + height) + gap]);
  const middle = height / 2; // 1000 of 2000 Hz
  for (const column of [0, 1, 2]) {
    const rows = Array.from({ length: height }, (_, y) => level(column, 0, 110, y));
    assert.ok(Math.abs(rows.indexOf(Math.max(...rows)) - middle) <= 1, 'a tone is a line');
    assert.ok(rows[10]! < Math.max(...rows) / 4);
  }
  assert.ok([10, 55, 100].every((y) => level(0, 1, 110, y) > 150), 'noise is everywhere');
  assert.ok(level(1, 1, 110, middle) < level(1, 0, 110, middle) / 4, 'what is 80 dB too quiet is dark');
  assert.equal(color(2, 1, 110, middle), color(2, 1, 3, 3), 'what is missing is a plain area');
});

test('short frames show when something begins', () => {
  const click = Float32Array.from({ length: 2000 }, (_, n) => (n === 1000 ? 1 : 0));
  const brightColumns = (frame: number): number => {
    const { level } = drawn([{ above: { label: 'click', samples: click }, below: { label: '' } }], frame);
    return Array.from({ length: width }, (_, x) => level(0, 0, x, 55)).filter((value) => value > 200).length;
  };
  assert.ok(brightColumns(64) < brightColumns(512) / 3);
});

test('labels stay in their column, and there must be something to draw', () => {
  const long = { above: { label: 'x'.repeat(200), samples: tone }, below: { label: '' } };
  const short = { above: { label: 'x'.repeat(16), samples: tone }, below: { label: '' } };
  assert.equal(pairsImage([long], { sampleRate }), pairsImage([short], { sampleRate }));
  assert.throws(() => pairsImage([], { sampleRate }), /there are no pairs/);
});

test.run();
