/**
 * A prepared data set: tracks of music at a low sample rate, cut into clips of equal length. This file holds what does
 * not touch the disk: how a track is prepared and cut, what the manifest says, and the `Dataset` itself. Reading
 * folders is in `dataset.node.ts`.
 */
import { UserError } from '../errors.ts';
import { decimate, resample } from '../audio/resample.ts';
import { escaped } from '../formats/describe.ts';
import { clipLength } from './options.ts';
import type { DatasetOptions } from './options.ts';
import type { Finding } from './doctor.ts';

/** A track whose peak stays below this is silent: −60 dBFS, a level at which a 16-bit file has 5 bits left. */
export const SILENCE_PEAK = 0.001;

export interface ClipEntry {
  readonly file: string; // relative to the source folder, with forward slashes
  readonly track: number; // index of the file among the used ones
  readonly offsetSeconds: number; // of the clip's first sample from the beginning of the file
}

export interface LeftOut {
  readonly file: string;
  readonly reason: string; // the rest of a sentence that begins with the file: "is silent …"
}

export interface Statistics {
  readonly mean: number;
  readonly rms: number;
  readonly peak: number; // the largest magnitude; full scale is 1, which filters may overshoot
}

/** What came out of a folder of files. */
export interface DatasetContent {
  readonly clipCount: number;
  readonly trackCount: number; // files that were used
  readonly statistics: Statistics; // over all clips
  readonly clips: readonly ClipEntry[];
  readonly leftOut: readonly LeftOut[];
  readonly warnings: readonly string[];
  /** Files that systems leave beside music and that have names of sound files; there are none if it is not said. */
  readonly clutter?: number;
  /** What is wrong with tracks or unlike the others; not said by versions that did not look. */
  readonly findings?: readonly Finding[];
  /** For every track the first one of the same recording; not said where all of them differ. */
  readonly sameAs?: readonly number[]; // (trackCount)
}

/** What `manifest.json` holds. */
export interface Manifest extends DatasetContent {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly source: string; // name of the folder it was made from
  readonly fingerprint: string; // of the source files' paths, sizes and times, to notice changes
  readonly options: DatasetOptions;
  readonly sampleRate: number; // Hz, of the clips
  readonly clipSamples: number;
}

export const FORMAT = 'diffwave-webgpu dataset';
export const VERSION = 1; // goes up when the layout changes, or when the same files would give different clips

/** Prepared clips in memory: full scale is ±1, with overshoots, see `prepareTrack`. */
export class Dataset {
  readonly manifest: Manifest;
  readonly #samples: Float32Array; // (clipCount, clipSamples)

  /** @throws RangeError when the number of samples is not what the manifest says */
  constructor(manifest: Manifest, samples: Float32Array) {
    if (samples.length !== manifest.clipCount * manifest.clipSamples) {
      const wanted = `${manifest.clipCount} clips of ${manifest.clipSamples} samples`;
      throw new RangeError(`Dataset: the manifest speaks of ${wanted}, but there are ${samples.length} samples`);
    }
    this.manifest = manifest;
    this.#samples = samples;
  }

  /** Of the clips, in Hz. */
  get sampleRate(): number {
    return this.manifest.sampleRate;
  }

  get clipSamples(): number {
    return this.manifest.clipSamples;
  }

  get clipCount(): number {
    return this.manifest.clipCount;
  }

  get trackCount(): number {
    return this.manifest.trackCount;
  }

  /**
   * One clip, (clipSamples). It is a view: writing into it changes the data set.
   *
   * @throws RangeError when there is no clip of that index
   */
  clip(index: number): Float32Array {
    if (!Number.isInteger(index) || index < 0 || index >= this.clipCount) {
      throw new RangeError(`Dataset: there is no clip ${index}, only 0 to ${this.clipCount - 1}`);
    }
    return this.#samples.subarray(index * this.clipSamples, (index + 1) * this.clipSamples);
  }
}

/**
 * Brings a decoded file to the data set's rate: resampled to the base rate, cut to `seconds`, low-passed and
 * downsampled. Filters overshoot where a recording was clipped, to 1.19 in music, and nothing is clamped: that would make anew what
 * they took away. Training takes such samples as they are; whoever writes PCM clamps them.
 *
 * @param samples (L) mono, at `fromRate`, in [−1, 1]
 * @returns (⌈L'/downsample⌉), with `splits` at most splits · clipLength samples
 */
export function prepareTrack(samples: Float32Array, fromRate: number, options: DatasetOptions): Float32Array {
  const { seconds, sampleRate, downsample, splits } = options;
  const cut = seconds === null ? samples : samples.subarray(0, Math.ceil(seconds * fromRate));
  const track = decimate(resample(cut, fromRate, sampleRate), downsample);
  return splits === undefined ? track : track.subarray(0, splits * clipLength(options));
}

/**
 * Where the clips of a track begin: one after the other as many as fit. What remains is left out, or with `overlaps` is
 * in one more that ends where the track ends, overlapping its neighbour. A track shorter than a clip gives one, to be
 * padded with zeros.
 */
export function clipStarts(
  { trackSamples, clipSamples, overlaps }: { trackSamples: number; clipSamples: number; overlaps: boolean },
): number[] {
  if (trackSamples <= clipSamples) return [0];
  const whole = Math.floor(trackSamples / clipSamples);
  const starts = Array.from({ length: whole }, (_, i) => i * clipSamples);
  return !overlaps || trackSamples % clipSamples === 0 ? starts : [...starts, trackSamples - clipSamples];
}

/** The largest magnitude in a signal. */
export function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (const value of samples) peak = Math.max(peak, Math.abs(value));
  return peak;
}

/** 'ignored 12 files …': what systems leave beside music, in one line whatever its number. */
export function clutterLine(count: number): string {
  return `ignored ${count} ${count === 1 ? 'file' : 'files'} that systems leave beside music (._* of macOS, waste baskets and the like)`;
}

/** A line about clips that reach beyond full scale; none where they do not. */
export function overshootLine({ peak }: Statistics): string | undefined {
  if (peak <= 1) return undefined;
  return `note: clips reach ${peak.toFixed(2)} where full scale is 1, as filters overshoot where a recording is clipped; that is trained on as it is, and clamped where PCM is written`;
}

/** A list of left-out files for one line: the first few with their reasons. */
export function listLeftOut(leftOut: readonly LeftOut[]): string {
  const shown = 5;
  const more = leftOut.length > shown ? ` … and ${leftOut.length - shown} more` : '';
  return (
    leftOut
      .slice(0, shown)
      .map(({ file, reason }) => `${escaped(file)} ${reason}`)
      .join('; ') + more
  );
}

/**
 * Checks the text of a `manifest.json`.
 *
 * @param name how errors call the file
 * @throws UserError when it is not the manifest of a data set of this version
 */
export function parseManifest(text: string, name: string): Manifest {
  let content: Partial<Manifest> | null;
  try {
    content = JSON.parse(text);
  } catch {
    throw new UserError(`${name} is not valid JSON`);
  }
  if (content?.format !== FORMAT) throw new UserError(`${name} is not the manifest of a data set`);
  if (content.version !== VERSION) {
    throw new UserError(`${name} has version ${content.version}, this program needs version ${VERSION}`);
  }
  const counts = [content.sampleRate, content.clipSamples, content.clipCount, content.trackCount];
  const lists = [content.clips, content.leftOut, content.warnings];
  const isSane = counts.every((count) => Number.isSafeInteger(count) && count! >= 0) && lists.every(Array.isArray) &&
    content.sampleRate! > 0 && content.clipSamples! > 0 && content.clips!.length === content.clipCount && content.trackCount! <= content.clipCount! &&
    content.clips!.every((clip) => isClipOf(clip, content.trackCount!)) && content.leftOut!.every(isLeftOut) &&
    content.warnings!.every((line) => typeof line === 'string') && Number.isFinite(content.statistics?.rms) &&
    typeof content.options === 'object' && content.options !== null && areFindings(content.findings) && isSameAs(content.sameAs, content.trackCount!);
  if (!isSane) throw new UserError(`${name} is damaged: its sizes and lists do not fit together`);
  return content as Manifest;
}

function isClipOf(clip: Partial<ClipEntry> | null, tracks: number): boolean {
  return typeof clip?.file === 'string' && Number.isInteger(clip.track) && clip.track! >= 0 && clip.track! < tracks && typeof clip.offsetSeconds === 'number';
}

const areFindings = (findings: unknown): boolean =>
  findings === undefined || (Array.isArray(findings) && findings.every((each) => [each?.kind, each?.file, each?.detail].every((text) => typeof text === 'string') && ['undefined', 'boolean'].includes(typeof each.leftOut)));

const isSameAs = (first: unknown, tracks: number): boolean =>
  first === undefined || (Array.isArray(first) && first.length === tracks && first.every((of, track) => Number.isInteger(of) && of >= 0 && of <= track));

const isLeftOut = (entry: Partial<LeftOut> | null): boolean => typeof entry?.file === 'string' && typeof entry.reason === 'string';
