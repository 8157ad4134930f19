/** Just enough drawing for a labelled plot: filled rectangles, single pixels and bitmap text in an RGB picture. */
import { encode } from 'fast-png';
import { GLYPH, glyphPixel } from './bitmapFont.ts';

export type Rgb = readonly [red: number, green: number, blue: number]; // 0 … 255

export interface Rect {
  readonly x: number; // pixels from the left edge of the picture
  readonly y: number; // pixels from its upper edge
  readonly width: number;
  readonly height: number;
}

export interface TextStyle {
  readonly x: number; // of the text's left end, centre or right end, as `align` says
  readonly y: number; // of the upper edge of the capitals
  readonly align?: 'left' | 'centre' | 'right';
  readonly color: Rgb;
}

const TEXT_SCALE = 2; // picture pixels per font pixel

/** Height of a capital letter in pixels. */
export const TEXT_HEIGHT = (GLYPH.height - 1) * TEXT_SCALE;

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #pixels: Uint8Array; // (height, width, 3)

  constructor({ width, height, background }: { width: number; height: number; background: Rgb }) {
    this.width = width;
    this.height = height;
    this.#pixels = new Uint8Array(width * height * 3);
    this.fill({ x: 0, y: 0, width, height }, background);
  }

  /** Sets one pixel; outside the picture nothing happens. */
  set(x: number, y: number, [red, green, blue]: Rgb): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = (Math.floor(y) * this.width + Math.floor(x)) * 3;
    this.#pixels[at] = red;
    this.#pixels[at + 1] = green;
    this.#pixels[at + 2] = blue;
  }

  fill(rect: Rect, color: Rgb): void {
    for (let y = 0; y < rect.height; y++) {
      for (let x = 0; x < rect.width; x++) this.set(rect.x + x, rect.y + y, color);
    }
  }

  /** A frame one pixel wide just outside the rectangle. */
  frame({ x, y, width, height }: Rect, color: Rgb): void {
    this.fill({ x: x - 1, y: y - 1, width: width + 2, height: 1 }, color);
    this.fill({ x: x - 1, y: y + height, width: width + 2, height: 1 }, color);
    this.fill({ x: x - 1, y, width: 1, height }, color);
    this.fill({ x: x + width, y, width: 1, height }, color);
  }

  text(text: string, { x, y, align = 'left', color }: TextStyle): void {
    const shift = { left: 0, centre: 0.5, right: 1 }[align];
    const left = Math.round(x - shift * textWidth(text));
    [...text].forEach((character, i) => {
      for (let row = 0; row < GLYPH.height; row++) {
        for (let column = 0; column < GLYPH.width; column++) {
          if (!glyphPixel(character, { x: column, y: row })) continue;
          const at = { x: left + (i * GLYPH.advance + column) * TEXT_SCALE, y: Math.round(y) + row * TEXT_SCALE };
          this.fill({ ...at, width: TEXT_SCALE, height: TEXT_SCALE }, color);
        }
      }
    });
  }

  /** The picture as a PNG file. */
  png(): Uint8Array {
    return encode({ width: this.width, height: this.height, data: this.#pixels, channels: 3, depth: 8 });
  }
}

/** Pixels from the left edge of a text's first character to the right edge of its last one. */
export function textWidth(text: string): number {
  return Math.max(0, [...text].length * GLYPH.advance - 1) * TEXT_SCALE;
}

/** Round values between `from` and `to`, a step of 1, 2 or 5 times a power of ten apart, in at most `most` steps. */
export function ticks({ from, to, most }: { from: number; to: number; most: number }): number[] {
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? 10 * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
