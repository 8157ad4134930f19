/** The way from noise to sound as one picture: a spectrogram for each step, one below the other, on one scale. */
import type { Rgb } from './canvas.ts';
import { Canvas, TEXT_HEIGHT, textWidth } from './canvas.ts';
import { drawLevels, rangeFor, spectrogramFor } from './spectrogramImage.ts';

/** A row of the picture. */
export interface SequenceRow {
  readonly label: string; // a few letters, at the row's left
  readonly samples: Float32Array; // (L), at least one
}

const PLOT_WIDTH = 900;
/** Pixels of a row; with many rows less, so that the picture stays one that can be looked at. */
const ROW = { most: 96, least: 12 };
const MOST_HEIGHT = 4000; // pixels
const GAP = 6;
const EDGE = 12;
const RANGE_DB = 80;
const BACKGROUND: Rgb = [255, 255, 255];
const INK: Rgb = [40, 40, 48];

/**
 * Draws the rows from top to bottom, each from 0 to half the sample rate. The last row, the sound, sets the scale: what
 * is louder, as noise is, is drawn as the brightest.
 *
 * @returns the bytes of an RGB PNG file
 * @throws RangeError when there are no rows, or one has no samples or one that is not a number
 */
export function sequenceImage(rows: readonly SequenceRow[], { sampleRate }: { sampleRate: number }): Uint8Array {
  if (rows.length === 0) throw new RangeError('sequenceImage: there are no rows');
  const height = Math.max(ROW.least, Math.min(ROW.most, Math.floor(MOST_HEIGHT / rows.length) - GAP));
  const left = EDGE + Math.max(...rows.map(({ label }) => textWidth(label))) + GAP;
  const canvas = new Canvas({
    width: left + PLOT_WIDTH + EDGE, height: 2 * EDGE + rows.length * (height + GAP) - GAP, background: BACKGROUND,
  });
  const spectrogramOf = ({ samples }: SequenceRow) => spectrogramFor(samples, { sampleRate, columns: PLOT_WIDTH });
  const range = rangeFor(spectrogramOf(rows.at(-1)!), RANGE_DB);
  rows.forEach((row, i) => {
    const plot = { x: left, y: EDGE + i * (height + GAP), width: PLOT_WIDTH, height };
    drawLevels(canvas, spectrogramOf(row), { range, plot });
    canvas.text(row.label, { x: left - GAP, y: plot.y + (height - TEXT_HEIGHT) / 2, align: 'right', color: INK });
  });
  return canvas.png();
}
