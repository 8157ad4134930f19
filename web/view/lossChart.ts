/** The curve of a training: loss beside what predicting nothing and the Wiener filter reach. */
import uPlot from 'uplot';
import type { TrainingPoint } from '../engine/protocol.ts';

interface Judged { readonly step: number; readonly loss: number; readonly wiener: number; readonly zero: number }

/** CSS pixels; the legend comes below. */
const plotHeight = 280;

/** Points that are drawn at most: a curve of thousands of pixels shows no more. */
const mostPoints = 2000;

export class LossChart {
  readonly #place: HTMLElement;
  #plot: uPlot | undefined;
  #points: TrainingPoint[] = [];
  #judged: Judged[] = [];
  #isStale = false;

  constructor(place: HTMLElement) {
    this.#place = place;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
    this.#build();
  }

  reset(points: readonly TrainingPoint[]): void {
    this.#points = [...points];
    this.#judged = [];
    this.#redraw();
  }

  add(point: TrainingPoint): void {
    this.#points.push(point);
    this.#redraw();
  }

  judge(judged: Judged): void {
    this.#judged.push(judged);
    this.#redraw();
  }

  /** Once a frame at most, however many updates there are in one. */
  #redraw(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    requestAnimationFrame(() => {
      this.#isStale = false;
      this.#plot?.setData(this.#columns());
    });
  }

  #columns(): uPlot.AlignedData {
    const every = Math.ceil(this.#points.length / mostPoints);
    const points = this.#points.filter((_, i) => i % every === 0);
    const steps = [...new Set([...points, ...this.#judged].map(({ step }) => step))].sort((a, b) => a - b);
    const column = (values: ReadonlyMap<number, number>): (number | null)[] => steps.map((step) => {
      const value = values.get(step) ?? 0;
      return value > 0 ? value : null; // a logarithmic axis has no place for zero
    });
    const judged = (of: (each: Judged) => number): (number | null)[] => column(new Map(this.#judged.map((each) => [each.step, of(each)])));
    return [steps, column(new Map(points.map(({ step, loss }) => [step, loss]))), judged(({ loss }) => loss), judged(({ wiener }) => wiener), judged(({ zero }) => zero)];
  }

  #size(): { width: number; height: number } {
    return { width: this.#place.clientWidth, height: plotHeight };
  }

  #build(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(this.#place);
    const [soft, line, accent, warm, good] = ['--soft', '--line', '--accent', '--warm', '--good'].map((name) => style.getPropertyValue(name));
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: `12px ${style.getPropertyValue('--ui')}`, labelFont: `12px ${style.getPropertyValue('--ui')}` };
    const value = (_: unknown, each: number | null): string => (each === null ? '–' : String(Number(each.toPrecision(4))));
    const number = (each: number | null): string => (each === null ? '' : String(Number(each.toPrecision(3))));
    this.#plot = new uPlot({
      ...this.#size(),
      scales: { x: { time: false }, y: { distr: 3, range: (_, low, high) => (low === null ? [0.1, 1.2] : [low / 1.2, high * 1.2]) } },
      axes: [{ ...axis, label: 'updates', labelSize: 20, size: 34 }, { ...axis, label: 'loss', labelSize: 20, size: 46, values: (_, all) => all.map(number) }],
      series: [
        { label: 'updates', value },
        { label: 'training', stroke: soft, width: 1.25, spanGaps: true, value, points: { show: false } },
        { label: 'validation', stroke: accent, width: 2.25, spanGaps: true, value },
        { label: 'Wiener', stroke: warm, width: 1.5, dash: [6, 4], spanGaps: true, value, points: { show: false } },
        { label: 'predicting nothing', stroke: good, width: 1.5, dash: [2, 4], spanGaps: true, value, points: { show: false } },
      ],
    }, this.#columns(), this.#place);
  }
}
