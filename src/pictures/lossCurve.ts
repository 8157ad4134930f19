/** The loss curve of a run as a PNG picture: loss on a logarithmic axis over the updates. */
import type { Rect, Rgb } from './canvas.ts';
import { Canvas, TEXT_HEIGHT, ticks } from './canvas.ts';

export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

const PLOT: Rect = { x: 90, y: 56, width: 880, height: 400 };
const CANVAS = { width: PLOT.x + PLOT.width + 30, height: PLOT.y + PLOT.height + 64 };
const BACKGROUND: Rgb = [255, 255, 255];
const INK: Rgb = [40, 40, 48];
const GRID: Rgb = [225, 225, 230];
const CURVE: Rgb = [178, 58, 104];

/** Draws points in ascending order of `step`, at least two, all losses above 0. Returns the bytes of a PNG file. */
export function lossCurve(points: readonly LossPoint[], options: { title: string }): Uint8Array {
  if (points.length < 2) throw new RangeError(`a curve needs two points, got ${points.length}`);
  const losses = points.map((point) => point.loss);
  const low = Math.log10(Math.min(...losses)) - 0.05;
  const high = Math.log10(Math.max(...losses)) + 0.05;
  const [first, last] = [points[0]!.step, points.at(-1)!.step];
  const x = (step: number): number => PLOT.x + ((step - first) / (last - first)) * (PLOT.width - 1);
  const y = (loss: number): number => PLOT.y + ((high - Math.log10(loss)) / (high - low)) * (PLOT.height - 1);

  const canvas = new Canvas({ ...CANVAS, background: BACKGROUND });
  for (const loss of logarithmicTicks(10 ** low, 10 ** high)) {
    canvas.fill({ x: PLOT.x, y: Math.round(y(loss)), width: PLOT.width, height: 1 }, GRID);
    canvas.text(String(loss), { x: PLOT.x - 10, y: y(loss) - TEXT_HEIGHT / 2, align: 'right', color: INK });
  }
  for (const step of ticks({ from: first, to: last, most: 8 })) {
    canvas.fill({ x: Math.round(x(step)), y: PLOT.y, width: 1, height: PLOT.height }, GRID);
    canvas.text(String(step), { x: x(step), y: PLOT.y + PLOT.height + 12, align: 'centre', color: INK });
  }
  canvas.frame(PLOT, INK);
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1]!, points[i]!];
    line(canvas, { x: x(from.step), y: y(from.loss) }, { x: x(to.step), y: y(to.loss) });
  }
  canvas.text(options.title, { x: PLOT.x, y: 20, color: INK });
  canvas.text('updates', { x: PLOT.x + PLOT.width / 2, y: PLOT.y + PLOT.height + 38, align: 'centre', color: INK });
  return canvas.png();
}

/** The values 1, 2 and 5 times a power of ten between two losses. */
function logarithmicTicks(low: number, high: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const digit of [1, 2, 5]) all.push(Number((digit * 10 ** power).toPrecision(1)));
  }
  return all.filter((value) => value >= low && value <= high);
}

function line(canvas: Canvas, a: { x: number; y: number }, b: { x: number; y: number }): void {
  const count = Math.max(1, Math.ceil(Math.max(Math.abs(b.x - a.x), Math.abs(b.y - a.y))));
  for (let i = 0; i <= count; i++) {
    const at = { x: Math.round(a.x + ((b.x - a.x) * i) / count), y: Math.round(a.y + ((b.y - a.y) * i) / count) };
    canvas.fill({ ...at, width: 2, height: 2 }, CURVE);
  }
}
