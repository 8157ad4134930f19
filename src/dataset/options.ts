/** How recordings become clips: the options, their defaults, and what follows from them. */
import { UserError } from '../errors.ts';

/** How recordings become clips. What a clip is, either `splits` or `clipSeconds` says. */
export interface DatasetOptions {
  readonly sampleRate: number; // Hz, the rate that every file is brought to first
  readonly seconds: number | null; // of each file that are used, from its beginning; null: all of it
  readonly downsample: number; // the data set's rate is sampleRate / downsample
  readonly splits?: number; // clips in `seconds`
  readonly clipSeconds?: number; // of a clip
  /** What becomes of tracks that repeat earlier ones: 'drop' leaves them out. They are kept where it is not said. */
  readonly duplicates?: Duplicates;
}

export const DUPLICATES = ['keep', 'drop'] as const;
export type Duplicates = (typeof DUPLICATES)[number];

/** The collection GTZAN as it is usually prepared: 30 s at 22,050 Hz become 6 clips of 36,750 samples at 7,350 Hz. */
export const DEFAULT_OPTIONS: DatasetOptions = { sampleRate: 22050, seconds: 30, downsample: 3, splits: 6 };

/**
 * The options of `base`, but for those that are given. Clips that are given another length are cut from all of a file,
 * unless `seconds` are given as well: those of `base` belong to its own way of cutting.
 */
export function withOptions(base: DatasetOptions, given: Partial<DatasetOptions>): DatasetOptions {
  const { sampleRate = base.sampleRate, downsample = base.downsample, duplicates = base.duplicates, splits, clipSeconds } = given;
  const cut = splits === undefined && clipSeconds === undefined ? { splits: base.splits, clipSeconds: base.clipSeconds } : { splits, clipSeconds };
  const { seconds = clipSeconds === undefined ? base.seconds : null } = given;
  // What is not there has no key: options are compared, and hashed, as JSON.
  return {
    sampleRate, seconds, downsample,
    ...(cut.splits !== undefined && { splits: cut.splits }), ...(cut.clipSeconds !== undefined && { clipSeconds: cut.clipSeconds }),
    ...(duplicates !== undefined && duplicates !== 'keep' && { duplicates }), // data sets of earlier versions, which kept them, stay what is wanted
  };
}

/**
 * Fills in the defaults and checks that the options make sense together.
 *
 * @throws UserError naming the option that does not
 */
export function completeOptions(options: Partial<DatasetOptions>): DatasetOptions {
  const complete = withOptions(DEFAULT_OPTIONS, options);
  const { sampleRate, seconds, downsample, splits, clipSeconds, duplicates } = complete;
  for (const [name, value] of Object.entries({ 'sample rate': sampleRate, 'downsample factor': downsample, splits: splits ?? 1 })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UserError(`The ${name} of a data set must be a whole number of at least 1, not ${value}`);
    }
  }
  for (const [name, value] of [['used of each file', seconds ?? 1], ['of a clip', clipSeconds ?? 1]] as const) {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new UserError(`The seconds ${name} must be a number above 0, not ${value}`);
    }
  }
  if (duplicates !== undefined && !DUPLICATES.includes(duplicates)) {
    throw new UserError(`What becomes of duplicates is one of ${DUPLICATES.join(', ')}, not ${JSON.stringify(duplicates)}`);
  }
  if (sampleRate % downsample !== 0) {
    const factors = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].filter((factor) => sampleRate % factor === 0).join(', ');
    throw new UserError(
      `A sample rate of ${sampleRate} Hz divided by ${downsample} is not a whole number of Hz; try ${factors}`,
    );
  }
  if (splits !== undefined && clipSeconds !== undefined) {
    throw new UserError(`${splits} splits and clips of ${clipSeconds} s both say how long a clip is; leave one of them out`);
  }
  if (splits !== undefined && seconds === null) {
    throw new UserError(`${splits} splits of files of any length are clips of any length; say how many seconds of each file are used`);
  }
  if (clipSeconds !== undefined && seconds !== null && seconds < clipSeconds) {
    throw new UserError(`The ${seconds} s used of each file are less than a clip of ${clipSeconds} s; use more of each file, or shorter clips`);
  }
  if (clipLength(complete) < 1) {
    const rate = sampleRate / downsample;
    throw new UserError(splits === undefined
      ? `A clip of ${clipSeconds} s has not one sample at ${rate} Hz`
      : `${seconds} s at ${rate} Hz cannot be split into ${splits} clips`);
  }
  return complete;
}

/** Samples of a clip: its seconds, or `seconds` / splits, at the data set's rate; by default 30 · 22050 / 3 / 6 = 36750. */
export function clipLength({ sampleRate, seconds, downsample, splits = 1, clipSeconds }: DatasetOptions): number {
  return Math.round(((clipSeconds ?? seconds!) * sampleRate) / downsample / (clipSeconds === undefined ? splits : 1));
}
