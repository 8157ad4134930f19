/** Sounds and what a network made of them, side by side: a column for each pair of spectrograms, the sound above, the other below. */
import type { Rgb } from './canvas.ts';
import { Canvas, TEXT_HEIGHT, textWidth } from './canvas.ts';
import { drawLevels, rangeFor, spectrogramFor } from './spectrogramImage.ts';

/** A column of the picture. What is below may be missing: then its place stays empty. */
export interface Pair {
  readonly above: { readonly label: string; readonly samples: Float32Array }; // (L), at least one
  readonly below: { readonly label: string; readonly samples?: Float32Array };
}

const PLOT = { width: 200, height: 110 };
const GAP = 16;
const EDGE = 12;
const TEXT_GAP = 8;
const RANGE_DB = 60;
const BACKGROUND: Rgb = [255, 255, 255];
const INK: Rgb = [40, 40, 48];
const EMPTY: Rgb = [225, 225, 230];

/**
 * Draws the pairs from left to right, each from 0 to half the sample rate. The upper spectrogram of a pair sets the scale of both:
 * a sample that is too quiet is dark. Labels are cut where they would leave their column.
 *
 * @param sampleRate of all, in Hz
 * @param frame samples of a spectrogram's frame, a power of two: short sounds need shorter ones than a picture of a whole piece
 * @returns the bytes of an RGB PNG file
 * @throws RangeError when there are no pairs, or a sound has no samples or one that is not a number
 */
export function pairsImage(pairs: readonly Pair[], { sampleRate, frame }: { sampleRate: number; frame?: number }): Uint8Array {
  if (pairs.length === 0) throw new RangeError('pairsImage: there are no pairs');
  const row = TEXT_HEIGHT + TEXT_GAP + PLOT.height;
  const canvas = new Canvas({
    width: 2 * EDGE + pairs.length * (PLOT.width + GAP) - GAP, height: 2 * EDGE + 2 * row + GAP, background: BACKGROUND,
  });
  const spectrogramOf = (samples: Float32Array) => spectrogramFor(samples, { sampleRate, columns: PLOT.width, size: frame });
  pairs.forEach(({ above, below }, i) => {
    const range = rangeFor(spectrogramOf(above.samples), RANGE_DB);
    [above, below].forEach(({ label, samples }, line) => {
      const x = EDGE + i * (PLOT.width + GAP);
      const y = EDGE + line * (row + GAP);
      const plot = { x, y: y + TEXT_HEIGHT + TEXT_GAP, ...PLOT };
      canvas.text(fitting(label), { x, y, color: INK });
      if (samples) drawLevels(canvas, spectrogramOf(samples), { range, plot });
      else canvas.fill(plot, EMPTY);
    });
  });
  return canvas.png();
}

/** As many characters of a label as a column has room for. */
function fitting(label: string): string {
  const most = Math.floor((PLOT.width * label.length) / Math.max(PLOT.width, textWidth(label)));
  return label.slice(0, most);
}
