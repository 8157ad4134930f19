/**
 * How a clip that is too long for the adapter goes through the network: in windows. Each has the network's receptive
 * field as a margin, and only samples that do not see a cut are kept, so that the result is that of the whole clip, to
 * the bit.
 *
 * All windows have one shape and one program. A window at the clip's start or end lies flush with it: there, the
 * convolution's zero padding is the clip's own. In a loop there is no start: windows reach past it on both sides.
 */
import { UserError } from '../../errors.ts';
import { Tape } from '../../autograd/tape.ts';
import type { Network } from '../model/contract.ts';
import type { Model } from '../model/model.ts';

/** Rows (samples times batch) of a window at most: a dispatch stays short, and memory small, on slow adapters too. */
const mostRows = 1 << 17;

/** Samples of the recordings that tell how wide a network is. */
const lengthToTry = 1024;

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
  /** Samples that the windows decide together. */
  readonly core: Stretch;
  readonly windows: readonly Window[];
}

/** Samples of x_t on either side that a sample of the prediction depends on. */
export function haloOf({ receptiveField }: Pick<Network, 'receptiveField'>): number {
  return (receptiveField - 1) / 2;
}

/** Samples [from, to) of a clip. */
export type Stretch = readonly [from: number, to: number];

/**
 * Cuts a clip of L samples, or the `core` of it, into windows of `width` whose cores touch; `halo` is the margin on each side. A
 * width that holds everything makes one window of exactly that.
 */
export function windowsOf(sizes: { L: number; width: number; halo: number; loop?: boolean; core?: Stretch }): Window[] {
  const { L, width, halo, loop = false, core: [first, last] = [0, L] } = sizes;
  const [from, to] = loop ? [-halo, L + halo] : [0, L]; // what windows may see
  if (width >= to - from) return [{ start: from, coreStart: first, coreEnd: last }];
  if (loop && L < halo) throw new RangeError(`a loop of ${L} samples is shorter than the margin of ${halo} and needs one window`);
  const windows: Window[] = [];
  for (let coreStart = first; coreStart < last; ) {
    const start = Math.min(Math.max(from, coreStart - halo), to - width);
    const coreEnd = Math.min(last, start + width === to ? L : start + width - halo);
    if (coreEnd <= coreStart) throw new RangeError(`a window of ${width} samples has no core between two margins of ${halo}`);
    windows.push({ start, coreStart, coreEnd });
    coreStart = coreEnd;
  }
  return windows;
}

/** The widest window that the adapter takes for this batch, at most L. Throws a `UserError` if none is wide enough. */
export function windowWidth({ receptiveField, width: numbers }: Pick<Required<Network>, 'receptiveField' | 'width'>, sizes: {
  B: number; L: number;
}, limits: { readonly maxStorageBufferBindingSize: number }): number {
  const { B, L } = sizes;
  const widestTensor = numbers * 4; // bytes of one row
  const rows = Math.min(mostRows, Math.floor(limits.maxStorageBufferBindingSize / widestTensor));
  const width = Math.min(L, Math.max(Math.floor(rows / B), receptiveField * 2));
  if (width * B * widestTensor > limits.maxStorageBufferBindingSize) {
    throw new UserError(
      `${B} clips at once are too many for this adapter and a receptive field of ${receptiveField} samples: use a smaller batch`,
    );
  }
  return width;
}

/** Numbers that the network's widest activation has for a sample. Where it does not say, found by recording it twice. */
function widthOf({ network, parameters, gpu: { variant } }: Model): number {
  if (network.width !== undefined) return network.width;
  const sizesAt = (L: number): number[] => {
    const tape = new Tape({ parameters, variant, keeps: 'nothing' });
    const condition = network.conditioning && tape.input('condition', [1, ...network.conditioning.shape(L)]);
    network.record(tape, { noisy: tape.input('noisy', [1, L]), t: tape.input('t', [1]), condition });
    return [...tape.storages].map(({ size }) => size);
  };
  const [short, long] = [sizesAt(lengthToTry), sizesAt(2 * lengthToTry)]; // what does not grow with the clip drops out
  return Math.max(1, ...long.map((size, i) => Math.ceil((size - (short[i] ?? 0)) / lengthToTry / 4)));
}

/**
 * The windows of B clips of L samples on the model's adapter, or of the `core` of them that is to be predicted. `tileSamples` fixes
 * how many samples a window decides. Throws a `UserError` if a whole clip does not fit into a binding.
 */
export function tilesFor(model: Model, options: { B: number; L: number; tileSamples?: number; loop?: boolean; core?: Stretch }): Tiles {
  const { B, L, tileSamples, loop = false } = options;
  const { network, gpu: { device: { limits } } } = model;
  const most = Math.floor(limits.maxStorageBufferBindingSize / 4 / B);
  if (L > most) {
    throw new UserError(`${B} × ${L} samples do not fit into one binding of this adapter: at most ${most} samples at this batch`);
  }
  const halo = haloOf(network);
  const isShort = loop && L < halo; // then a window goes round more than once, and there is one only
  const core = options.core && !isShort ? options.core : [0, L] as const;
  const seen = loop ? [Math.max(-halo, core[0] - halo), Math.min(L + halo, core[1] + halo)] : [Math.max(0, core[0] - halo), Math.min(L, core[1] + halo)];
  const whole = isShort ? L + 2 * halo : seen[1]! - seen[0]!; // what all windows see together
  const chosen = tileSamples === undefined ? windowWidth({ ...network, width: widthOf(model) }, { B, L: whole }, limits) : tileSamples + 2 * halo;
  const width = isShort ? whole : Math.min(whole, chosen);
  return { width, halo, core, windows: windowsOf({ L, width, halo, loop, core }) };
}
