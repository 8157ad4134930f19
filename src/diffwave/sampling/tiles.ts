/**
 * How a clip that is too long for the adapter goes through the network: in windows. Each has the network's receptive
 * field as a margin, and only samples that do not see a cut are kept, so that the result is that of the whole clip, to
 * the bit.
 *
 * All windows have one shape and one program. A window at the clip's start or end lies flush with it: there, the
 * convolution's zero padding is the clip's own. In a loop there is no start: windows reach past it on both sides.
 */
import { UserError } from '../../errors.ts';
import type { DiffWaveConfig } from '../model/config.ts';
import { receptiveField } from '../model/config.ts';
import type { DiffWave } from '../model/model.ts';

/** Rows (samples times batch) of a window at most: a dispatch stays short, and memory small, on slow adapters too. */
const mostRows = 1 << 17;

/** One window of a clip, in samples: the network sees [start, start + width), and [coreStart, coreEnd) is kept. */
export interface Window {
  /** Negative where a loop's window begins before its start. */
  readonly start: number;
  readonly coreStart: number;
  readonly coreEnd: number;
}

export interface Tiles {
  /** Samples that the network sees of a window. */
  readonly width: number;
  /** Margin on each side, in samples. */
  readonly halo: number;
  readonly windows: readonly Window[];
}

/** Samples of x_t on either side that a sample of the prediction depends on. */
export function haloOf(config: DiffWaveConfig): number {
  return (receptiveField(config) - 1) / 2;
}

/**
 * Cuts a clip of L samples into windows of `width` whose cores touch; `halo` is the margin on each side. A width that
 * holds everything makes one window of exactly that.
 */
export function windowsOf(sizes: { L: number; width: number; halo: number; loop?: boolean }): Window[] {
  const { L, width, halo, loop = false } = sizes;
  const [from, to] = loop ? [-halo, L + halo] : [0, L]; // what windows may see
  if (width >= to - from) return [{ start: from, coreStart: 0, coreEnd: L }];
  if (width <= 2 * halo) throw new RangeError(`a window of ${width} samples has no core between two margins of ${halo}`);
  if (loop && L < halo) throw new RangeError(`a loop of ${L} samples is shorter than the margin of ${halo} and needs one window`);
  const windows: Window[] = [];
  for (let coreStart = 0; coreStart < L; ) {
    const start = Math.min(Math.max(from, coreStart - halo), to - width);
    const coreEnd = start + width === to ? L : start + width - halo;
    windows.push({ start, coreStart, coreEnd });
    coreStart = coreEnd;
  }
  return windows;
}

/** The widest window that the adapter takes for this batch, at most L. Throws a `UserError` if none is wide enough. */
export function windowWidth(config: DiffWaveConfig, sizes: { B: number; L: number }, limits: {
  readonly maxStorageBufferBindingSize: number;
}): number {
  const { B, L } = sizes;
  const widestTensor = 2 * config.channels * 4; // bytes of one row of the dilated convolution's result
  const rows = Math.min(mostRows, Math.floor(limits.maxStorageBufferBindingSize / widestTensor));
  const width = Math.min(L, Math.max(Math.floor(rows / B), receptiveField(config) * 2));
  if (width * B * widestTensor > limits.maxStorageBufferBindingSize) {
    throw new UserError(
      `${B} clips at once are too many for this adapter and a receptive field of ${receptiveField(config)} samples: use a smaller batch`,
    );
  }
  return width;
}

/**
 * The windows of B clips of L samples on the model's adapter. `tileSamples` fixes how many samples a window decides.
 * Throws a `UserError` if a whole clip does not fit into a binding.
 */
export function tilesFor(model: DiffWave, options: { B: number; L: number; tileSamples?: number; loop?: boolean }): Tiles {
  const { B, L, tileSamples, loop = false } = options;
  const { config, gpu: { device: { limits } } } = model;
  const most = Math.floor(limits.maxStorageBufferBindingSize / 4 / B);
  if (L > most) {
    throw new UserError(`${B} × ${L} samples do not fit into one binding of this adapter: at most ${most} samples at this batch`);
  }
  const halo = haloOf(config);
  const whole = loop ? L + 2 * halo : L; // what all windows see together
  const chosen = tileSamples === undefined ? windowWidth(config, { B, L: whole }, limits) : tileSamples + 2 * halo;
  const width = loop && L < halo ? whole : Math.min(whole, chosen);
  return { width, halo, windows: windowsOf({ L, width, halo, loop }) };
}
