/** A spectrogram as a PNG picture with axes: time in seconds, frequency in Hz (kHz from 20 kHz of sample rate), level as colour in decibels. */
import { Canvas, TEXT_HEIGHT, textWidth, ticks } from './canvas.ts';
import type { Rect, Rgb } from './canvas.ts';
import { spectrogram } from '../audio/spectrogram.ts';
import type { Spectrogram } from '../audio/spectrogram.ts';

export interface SpectrogramImageOptions {
  readonly sampleRate: number; // Hz
  readonly title?: string; // one line above the picture; cut where it would leave it
  readonly rangeDb?: number; // levels shown, downwards from the loudest; default 80 dB
}

const PLOT: Rect = { x: 84, y: 68, width: 900, height: 400 };
const COLOR_BAR: Rect = { x: PLOT.x + PLOT.width + 24, y: PLOT.y, width: 18, height: PLOT.height };
const CANVAS = { width: COLOR_BAR.x + COLOR_BAR.width + 84, height: PLOT.y + PLOT.height + 64 };
const BACKGROUND: Rgb = [255, 255, 255];
const INK: Rgb = [40, 40, 48];
const UNIT_Y = PLOT.y - TEXT_HEIGHT - 12; // of the line with kHz and dB
const TICK = 6; // pixels
const GAP = 6; // pixels between a tick and its label

/** A frame lasts about this long: long enough to separate the notes of a chord, short enough to show a drum. */
const FRAME_SECONDS = 0.07;

/** Below the quantisation noise of 16 bits in one bin. */
const FLOOR_DB = -140;

/**
 * Draws the spectrogram of a signal.
 *
 * @param samples (L), at least one
 * @returns the bytes of an RGB PNG file
 * @throws RangeError when there are no samples, or one is not a number
 */
export function spectrogramImage(samples: Float32Array, options: SpectrogramImageOptions): Uint8Array {
  const { sampleRate, title, rangeDb = 80 } = options;
  const levels = spectrogramFor(samples, { sampleRate, columns: PLOT.width });
  const range = rangeFor(levels, rangeDb);

  const canvas = new Canvas({ ...CANVAS, background: BACKGROUND });
  drawLevels(canvas, levels, { range, plot: PLOT });
  drawColorBar(canvas, range);
  drawTimeAxis(canvas, samples.length / sampleRate);
  drawFrequencyAxis(canvas, sampleRate / 2);
  if (title) {
    const characters = Math.floor((PLOT.width * title.length) / Math.max(PLOT.width, textWidth(title)));
    canvas.text(title.slice(0, characters), { x: PLOT.x, y: 12, color: INK });
  }
  return canvas.png();
}

/** Levels in dB that are drawn from dark to bright. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The spectrogram of a whole signal for a picture of so many columns; `size` are a frame's samples, about 70 ms if not said. */
export function spectrogramFor(samples: Float32Array, options: { sampleRate: number; columns: number; size?: number }): Spectrogram {
  const { sampleRate, columns } = options;
  const { size = 2 ** Math.max(5, Math.round(Math.log2(FRAME_SECONDS * sampleRate))) } = options;
  // About one frame per column of the picture, but no gaps between the frames of a long signal.
  const hop = Math.max(1, Math.min(size / 2, Math.floor(samples.length / columns)));
  // Half a frame of silence at both ends: frame i is then centred on sample i · hop, and the picture spans the signal.
  const padded = new Float32Array(samples.length + size);
  padded.set(samples, size / 2);
  return spectrogram(padded, { size, hop, floorDb: FLOOR_DB });
}

/** From the loudest level downwards; silence is drawn dark. */
export function rangeFor({ db }: Spectrogram, rangeDb: number): Range {
  const loudestDb = db.reduce((top, level) => Math.max(top, level));
  const topDb = Math.max(FLOOR_DB + rangeDb, 5 * Math.ceil(loudestDb / 5));
  return { from: topDb - rangeDb, to: topDb };
}

/** Draws a spectrogram into a part of a picture. */
export function drawLevels(canvas: Canvas, { frames, bins, db }: Spectrogram, options: { range: Range; plot: Rect }): void {
  const { range: { from, to }, plot } = options;
  const column = new Float64Array(bins); // dB, the mean of the frames that share this column of pixels
  for (let x = 0; x < plot.width; x++) {
    const first = Math.min(frames - 1, Math.floor((x * frames) / plot.width));
    const end = Math.max(first + 1, Math.floor(((x + 1) * frames) / plot.width));
    column.fill(0);
    for (let frame = first; frame < end; frame++) {
      for (let k = 0; k < bins; k++) column[k]! += db[frame * bins + k]! / (end - first);
    }
    for (let y = 0; y < plot.height; y++) {
      const position = ((plot.height - 0.5 - y) / plot.height) * (bins - 1);
      const below = Math.floor(position);
      const level = column[below]! + (position - below) * (column[below + 1]! - column[below]!);
      canvas.set(plot.x + x, plot.y + y, colorMap((level - from) / (to - from)));
    }
  }
  canvas.frame(plot, INK);
}

function drawColorBar(canvas: Canvas, { from, to }: Range): void {
  for (let y = 0; y < COLOR_BAR.height; y++) {
    const row = { x: COLOR_BAR.x, y: COLOR_BAR.y + y, width: COLOR_BAR.width, height: 1 };
    canvas.fill(row, colorMap(1 - (y + 0.5) / COLOR_BAR.height));
  }
  canvas.frame(COLOR_BAR, INK);
  for (const level of ticks({ from, to, most: 5 })) {
    const y = COLOR_BAR.y + (1 - (level - from) / (to - from)) * COLOR_BAR.height;
    const right = COLOR_BAR.x + COLOR_BAR.width + 1;
    canvas.fill({ x: right, y: Math.round(y), width: TICK, height: 1 }, INK);
    canvas.text(String(level), { x: right + TICK + GAP, y: y - TEXT_HEIGHT / 2, color: INK });
  }
  canvas.text('dB', { x: COLOR_BAR.x, y: UNIT_Y, color: INK });
}

function drawTimeAxis(canvas: Canvas, seconds: number): void {
  const bottom = PLOT.y + PLOT.height + 1;
  for (const time of ticks({ from: 0, to: seconds, most: 10 })) {
    const x = PLOT.x + (time / seconds) * PLOT.width;
    canvas.fill({ x: Math.round(x), y: bottom, width: 1, height: TICK }, INK);
    canvas.text(String(time), { x, y: bottom + TICK + GAP, align: 'centre', color: INK });
  }
  const y = bottom + TICK + GAP + TEXT_HEIGHT + 10;
  canvas.text('time / s', { x: PLOT.x + PLOT.width / 2, y, align: 'centre', color: INK });
}

function drawFrequencyAxis(canvas: Canvas, nyquist: number): void {
  const unit = nyquist >= 10000 ? { name: 'kHz', hertz: 1000 } : { name: 'Hz', hertz: 1 };
  for (const frequency of ticks({ from: 0, to: nyquist / unit.hertz, most: 9 })) {
    const y = PLOT.y + (1 - (frequency * unit.hertz) / nyquist) * PLOT.height;
    canvas.fill({ x: PLOT.x - 1 - TICK, y: Math.round(y), width: TICK, height: 1 }, INK);
    const x = PLOT.x - 1 - TICK - GAP;
    canvas.text(String(frequency), { x, y: y - TEXT_HEIGHT / 2, align: 'right', color: INK });
  }
  canvas.text(unit.name, { x: PLOT.x - 1 - TICK - GAP, y: UNIT_Y, align: 'right', color: INK });
}

/**
 * Seven points of a colour map from black over violet and orange to pale yellow whose lightness rises evenly, so that
 * equal steps in level look equally large, in print and to colour-blind eyes as well.
 */
const COLOR_POINTS: readonly Rgb[] = [
  [2, 2, 10],
  [46, 14, 92],
  [110, 26, 110],
  [172, 46, 94],
  [226, 86, 56],
  [250, 156, 30],
  [252, 250, 184],
];

/** The colour of a value from 0 to 1; values outside are drawn as the nearer end. */
export function colorMap(value: number): Rgb {
  const position = Math.max(0, Math.min(1, value)) * (COLOR_POINTS.length - 1);
  const below = Math.min(Math.floor(position), COLOR_POINTS.length - 2);
  const mix = (channel: number) =>
    COLOR_POINTS[below]![channel]! +
    (position - below) * (COLOR_POINTS[below + 1]![channel]! - COLOR_POINTS[below]![channel]!);
  return [Math.round(mix(0)), Math.round(mix(1)), Math.round(mix(2))];
}
