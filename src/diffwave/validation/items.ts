/** What a validation looks at: always the same crops at the same diffusion steps, with the baselines' losses there. */
import { rootMeanSquare } from '../../audio/level.ts';
import { frameSizeFor, meanOverFrequency, powerSpectrum } from '../../audio/powerSpectrum.ts';
import type { Prediction } from '../../ops/diffuse.ts';
import { uniform } from '../../random.ts';
import type { ClipSource } from '../data/clips.ts';
import { checkedClip, cropStart } from '../data/clips.ts';
import { shapedClips } from '../data/shapedClips.ts';
import { meanSpectrum } from '../data/spectrum.ts';
import type { Conditioning } from '../model/contract.ts';
import type { Model } from '../model/model.ts';
import type { NoiseSchedule } from '../schedule/schedule.ts';
import { streams } from '../streams.ts';
import { wienerLoss, zeroLoss } from './wiener.ts';

/** Crops that are looked at, each once in every bin. */
export const crops = 16;
export const mostBins = 5;

/** Crops of each class at least, where the network is told classes. */
export const cropsOfClass = 4;

/** One crop at one diffusion step. */
export interface ValidationItem {
  readonly audio: Float32Array<ArrayBuffer>; // (L), as the network sees it
  readonly t: number;
  readonly bin: number;
  readonly wiener: number;
  readonly zero: number;
  /** What the network is told, the class that this is, and whether it is an item once more without being told its class. */
  readonly condition?: Float32Array<ArrayBuffer>;
  readonly label?: number;
  readonly isUntold?: boolean;
}

export interface ItemOptions {
  readonly model: Model;
  /** Where the baseline's spectrum comes from. */
  readonly training: ClipSource;
  readonly validation: ClipSource;
  /** Samples of a crop, as in training. */
  readonly L: number;
  readonly seed: number;
}

/** 0 … T−1 in five ranges as equal as can be; fewer if T is smaller. */
export function binsOf(T: number): { readonly from: number; readonly to: number }[] {
  const count = Math.min(mostBins, T);
  const start = (bin: number): number => Math.ceil((bin * T) / count);
  return Array.from({ length: count }, (_, bin) => ({ from: start(bin), to: start(bin + 1) - 1 }));
}

/**
 * Every crop once in every bin, and the crops' steps spread evenly over the bin. Where the network is told classes, as many crops of
 * each, and all of them once more without.
 */
export function validationItems(
  { model: { shaping, network: { conditioning } }, training, validation, L, seed }: ItemOptions,
  { schedule, prediction }: { schedule: NoiseSchedule; prediction: Prediction },
): ValidationItem[] {
  const size = frameSizeFor(L);
  const designed = meanSpectrum(shapedClips(training, shaping), size);
  const bins = binsOf(schedule.steps);
  const seen = shapedClips(validation, shaping);
  const clips = clipsToSee(validation, conditioning);
  const told = clips.map((index, crop): ValidationItem[] => {
    const clip = checkedClip(seen, index);
    const place = { seed, stream: streams.validationCrop, step: 0, item: crop, index: 0 };
    const start = cropStart(uniform(place), { clipSamples: validation.clipSamples, L, alignment: conditioning?.alignment });
    const audio = clip.slice(start, start + L);
    const power = rootMeanSquare(audio) ** 2;
    const actual = scaledTo(power, powerSpectrum(audio, { size }));
    const condition = conditioning?.numbers(validation, { clip: index, start, L });
    const known = { ...(condition && { condition }), ...(validation.label && { label: validation.label(index) }) };
    return bins.map(({ from, to }, bin) => {
      const t = from + Math.floor(((crop + 0.5) / clips.length) * (to - from + 1));
      const level = { alphaBar: schedule.alphaBar[t]!, prediction };
      return { audio, t, bin, wiener: wienerLoss({ ...level, designed, actual }), zero: zeroLoss({ ...level, power }), ...known };
    });
  }).flat();
  const { nothing } = conditioning ?? {};
  const untold = nothing && validation.label ? told.map((item): ValidationItem => ({ ...item, condition: nothing, isUntold: true })) : [];
  return [...told, ...untold];
}

/** The clips that crops are taken of: spread evenly over all, or over those of each class. */
function clipsToSee(validation: ClipSource, conditioning: Conditioning | undefined): number[] {
  const spread = (of: readonly number[], count: number) => Array.from({ length: count }, (_, crop) => of[Math.floor(((crop + 0.5) / count) * of.length)]!);
  const all = Array.from({ length: validation.clipCount }, (_, i) => i);
  if (!conditioning || !validation.label) return spread(all, crops);
  const labels = [...new Set(all.map((i) => validation.label!(i)))].sort((a, b) => a - b);
  const each = Math.max(cropsOfClass, Math.ceil(crops / labels.length));
  return labels.flatMap((label) => spread(all.filter((i) => validation.label!(i) === label), each));
}

/** Welch's frames count a crop's ends for less than its middle, the loss does not: the spectrum with the crop's own power. */
function scaledTo(power: number, spectrum: Float64Array): Float64Array {
  const estimated = meanOverFrequency(spectrum.length, (bin) => spectrum[bin]!);
  return estimated > 0 ? spectrum.map((value) => (value * power) / estimated) : spectrum;
}
