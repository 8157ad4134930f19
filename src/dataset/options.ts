/** How recordings become clips: the options, their defaults, and what follows from them. */
import { UserError } from '../errors.ts';

export interface DatasetOptions {
  readonly sampleRate: number; // Hz, the rate that every file is brought to first
  readonly seconds: number; // of each file that are used, from its beginning
  readonly downsample: number; // the data set's rate is sampleRate / downsample
  readonly splits: number; // clips in `seconds`
}

/** The collection GTZAN as it is usually prepared: 30 s at 22,050 Hz become 6 clips of 36,750 samples at 7,350 Hz. */
export const DEFAULT_OPTIONS: DatasetOptions = { sampleRate: 22050, seconds: 30, downsample: 3, splits: 6 };

/**
 * Fills in the defaults and checks that the options make sense together.
 *
 * @throws UserError naming the option that does not
 */
export function completeOptions(options: Partial<DatasetOptions>): DatasetOptions {
  const { sampleRate, seconds, downsample, splits } = { ...DEFAULT_OPTIONS, ...options };
  for (const [name, value] of Object.entries({ 'sample rate': sampleRate, 'downsample factor': downsample, splits })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UserError(`The ${name} of a data set must be a whole number of at least 1, not ${value}`);
    }
  }
  if (!(seconds > 0 && Number.isFinite(seconds))) {
    throw new UserError(`The seconds used of each file must be a number above 0, not ${seconds}`);
  }
  if (sampleRate % downsample !== 0) {
    const factors = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].filter((factor) => sampleRate % factor === 0).join(', ');
    throw new UserError(
      `A sample rate of ${sampleRate} Hz divided by ${downsample} is not a whole number of Hz; try ${factors}`,
    );
  }
  const complete = { sampleRate, seconds, downsample, splits };
  if (clipLength(complete) < 1) {
    throw new UserError(`${seconds} s at ${sampleRate / downsample} Hz cannot be split into ${splits} clips`);
  }
  return complete;
}

/** Samples of a clip: round(seconds · sampleRate / downsample / splits), by default 30 · 22050 / 3 / 6 = 36750. */
export function clipLength({ sampleRate, seconds, downsample, splits }: DatasetOptions): number {
  return Math.round((seconds * sampleRate) / downsample / splits);
}
