/** A sound's picture: waveform above, spectrogram below, one time axis for both, frequencies and seconds with their units. */
/** Pixels around the plots, for the axes. */
const margin = { left: 52, right: 12, top: 6, bottom: 38 };
const waveHeight = 0.24; // of what is there for both
const gap = 8;

export interface Pictured {
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

/** In the place of a sound. */
const nothing: Pictured = { samples: new Float32Array(1), sampleRate: 1 };

/** Seconds [from, to) of a sound. */
export type Stretch = readonly [from: number, to: number];

/** The moment of a sound that is drawn at `x`, in CSS pixels from the canvas's left edge, as a share of its length. */
export function shareAt(canvas: HTMLCanvasElement, x: number): number {
  return Math.max(0, Math.min(1, (x - margin.left) / (canvas.clientWidth - margin.left - margin.right)));
}

/** Draws a sound, or that there is none, into a canvas of any size, sharp on screens of any density. `at`: where the playhead is, in seconds; `selected` is marked. */
export function drawPicture(
  canvas: HTMLCanvasElement, sound: Pictured | undefined, image: ImageBitmap | undefined, { at, selected }: { at?: number; selected?: Stretch } = {},
): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  if (width === 0) return;
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = canvas.getContext('2d')!;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const [ink, soft, line, accent] = ['--ink', '--soft', '--line', '--accent'].map((name) => style.getPropertyValue(name));
  const plot = { x: margin.left, width: width - margin.left - margin.right, y: margin.top, height: height - margin.top - margin.bottom };
  const wave = { y: plot.y, height: Math.round(plot.height * waveHeight) };
  const spectrum = { y: wave.y + wave.height + gap, height: plot.height - wave.height - gap };
  const { samples, sampleRate } = sound ?? nothing;
  const seconds = samples.length / sampleRate;
  const xOf = (time: number): number => plot.x + (time / seconds) * plot.width;

  context.strokeStyle = line!;
  context.strokeRect(plot.x + 0.5, wave.y + 0.5, plot.width - 1, wave.height - 1);
  const reach = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 1); // noise goes beyond full scale
  drawWave(context, samples, { x: plot.x, width: plot.width, ...wave, reach }, accent!);
  context.imageSmoothingEnabled = true;
  context.fillStyle = style.getPropertyValue('--plot');
  context.fillRect(plot.x, spectrum.y, plot.width, spectrum.height);
  if (image) context.drawImage(image, plot.x, spectrum.y, plot.width, spectrum.height);

  if (!sound) {
    context.font = `15px ${style.getPropertyValue('--ui')}`;
    context.fillStyle = '#8d86a0'; // on the plot, which is as dark by day
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText('no sound yet', plot.x + plot.width / 2, spectrum.y + spectrum.height / 2);
    return;
  }
  context.fillStyle = soft!;
  context.font = `12px ${style.getPropertyValue('--ui')}`;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  context.fillText(`±${Number(reach.toPrecision(2))}`, plot.x - 8, wave.y + wave.height / 2);
  const nyquist = sampleRate / 2;
  for (const hertz of ticks(nyquist, spectrum.height / 36)) {
    const y = spectrum.y + spectrum.height * (1 - hertz / nyquist);
    context.fillRect(plot.x - 4, y, 4, 1);
    context.fillText(`${hertz / 1000}`, plot.x - 8, Math.min(y, spectrum.y + spectrum.height - 5));
  }
  context.save();
  context.translate(11, spectrum.y + spectrum.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillText('frequency / kHz', 0, 0);
  context.restore();
  const bottom = spectrum.y + spectrum.height;
  context.textBaseline = 'top';
  context.textAlign = 'center';
  for (const time of ticks(seconds, plot.width / 70)) {
    context.fillRect(xOf(time), bottom, 1, 4);
    const text = String(time);
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(Math.max(plot.x + 4, xOf(time)), width - half), bottom + 6);
  }
  context.fillText('time / s', plot.x + plot.width / 2, bottom + 22);
  if (selected) {
    const [left, right] = selected.map((time) => xOf(Math.min(time, seconds)));
    for (const { y, height } of [wave, spectrum]) {
      context.fillStyle = y === wave.y ? accent! : '#ffffff';
      context.globalAlpha = 0.25;
      context.fillRect(left!, y, right! - left!, height);
      context.globalAlpha = 1;
      for (const x of [left!, right!]) context.fillRect(x - 1, y, 2, height);
    }
  }
  if (at === undefined) return;
  context.fillStyle = ink!;
  context.fillRect(xOf(at) - 0.5, wave.y, 1, wave.height);
  context.fillStyle = '#ffffff';
  context.fillRect(xOf(at) - 0.5, spectrum.y, 1, spectrum.height);
}

function drawWave(context: CanvasRenderingContext2D, samples: Float32Array, box: { x: number; y: number; width: number; height: number; reach: number }, color: string): void {
  context.fillStyle = color;
  const columns = Math.max(1, Math.floor(box.width));
  const yOf = (value: number): number => box.y + (box.height * (1 - value / box.reach)) / 2;
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * samples.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * samples.length) / columns));
    let [low, high] = [Infinity, -Infinity];
    for (let i = from; i < to; i++) {
      low = Math.min(low, samples[i]!);
      high = Math.max(high, samples[i]!);
    }
    context.fillRect(box.x + column, yOf(high), 1, Math.max(1, yOf(low) - yOf(high)));
  }
}

/** 0 and what follows up to `end`, a step of 1, 2 or 5 times a power of ten apart. */
function ticks(end: number, most: number): number[] {
  const rough = end / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
