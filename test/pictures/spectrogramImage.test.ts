import { decode } from 'fast-png';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { glyphPixel } from '../../src/pictures/bitmapFont.ts';
import { ticks } from '../../src/pictures/canvas.ts';
import { colorMap, spectrogramImage } from '../../src/pictures/spectrogramImage.ts';
import { noise, sine } from '../audio/helpers.ts';

const test = suite('spectrogramImage');

const SHAPE = { width: 1110, height: 532 };

for (const { what, samples, sampleRate } of [
  { what: 'one second', samples: noise(7350), sampleRate: 7350 },
  { what: 'ninety seconds', samples: noise(661500), sampleRate: 7350 },
  { what: 'a single sample', samples: Float32Array.of(0.5), sampleRate: 7350 },
  { what: 'silence', samples: new Float32Array(7350), sampleRate: 7350 },
  { what: 'a low rate', samples: noise(900), sampleRate: 300 },
]) {
  test(`the picture of ${what} decodes to its size`, () => {
    const png = decode(spectrogramImage(samples, { sampleRate, title: what }));
    assert.equal({ width: png.width, height: png.height, channels: png.channels }, { ...SHAPE, channels: 3 });
  });
}

test('a tone is a bright line at its frequency, silence is dark', () => {
  const { data, width } = decode(
    spectrogramImage(sine({ hertz: 1837.5, sampleRate: 7350, samples: 7350 }), { sampleRate: 7350 }),
  );
  const brightness = (x: number, y: number) => data[(y * width + x) * 3]! + data[(y * width + x) * 3 + 1]!;
  const column = Array.from({ length: 400 }, (_, row) => brightness(500, 68 + row));
  const brightest = column.indexOf(Math.max(...column));
  assert.ok(Math.abs(brightest - 200) <= 2, `row ${brightest}`); // a quarter of the rate: the middle of 400 rows
  assert.ok(column[20]! < column[200]! / 4);

  const silence = decode(spectrogramImage(new Float32Array(7350), { sampleRate: 7350 }));
  assert.equal([...silence.data.subarray((268 * width + 500) * 3, (268 * width + 500) * 3 + 3)], [...colorMap(0)]);
});

test('a title that is too long is cut', () => {
  const title = (length: number) =>
    spectrogramImage(new Float32Array(10), { sampleRate: 7350, title: 'x'.repeat(length) });
  assert.equal(title(500), title(1000));
  assert.not.equal(title(5), title(6));
});

test('the colour map gets lighter all the way', () => {
  // Luminance of Rec. ITU-R BT.709
  const lightness = ([red, green, blue]: readonly number[]) => 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  const steps = Array.from({ length: 101 }, (_, i) => lightness(colorMap(i / 100)));
  for (let i = 1; i < steps.length; i++) assert.ok(steps[i]! >= steps[i - 1]!, `at ${i} %`);
  assert.equal(colorMap(-1), colorMap(0));
  assert.equal(colorMap(2), colorMap(1));
});

test('every printable character has a glyph of its own', () => {
  const glyph = (character: string) =>
    Array.from({ length: 40 }, (_, i) => glyphPixel(character, { x: i % 5, y: Math.floor(i / 5) }))
      .map(Number)
      .join('');
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  assert.is(new Set(printable.map(glyph)).size, 95);
  assert.is(glyph('é'), glyph('?'));
});

test('ticks are round numbers', () => {
  assert.equal(ticks({ from: 0, to: 1, most: 10 }), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  assert.equal(ticks({ from: -93, to: -13, most: 5 }), [-80, -60, -40, -20]);
  assert.equal(ticks({ from: 0, to: 3.675, most: 9 }), [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]);
});

test.run();
