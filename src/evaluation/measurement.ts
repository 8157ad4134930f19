/** What the yardstick says. */
import type { Interval } from './bootstrap.ts';

/** A distance from the held-out tracks, beside those of what it is to be compared with. */
export interface Figure {
  readonly samples: number;
  /** 95 %, over samples; where it was asked for. */
  readonly interval?: Interval;
  /** Of as many, equally long pieces of training tracks: the best that can be asked for. */
  readonly floor: number;
  /** Of a stationary Gaussian process with the training set's mean power spectrum: "only a spectrum". */
  readonly spectrum: number;
  /** Of white noise with the training set's level. */
  readonly white: number;
}

/** A figure on the scale on which 0 is other music of this set and 100 is only a spectrum. Below 0 and above 100 there is more. */
export interface ScaledFigure extends Figure {
  /**
   * NaN where there is no such scale: noise that has the spectrum is no further from the held-out tracks than some of the draws of other
   * music. With one or two tracks held out, which may be like nothing else in the set, that happens.
   */
  readonly percent: number;
  readonly percentInterval?: Interval;
}

export interface Measurement {
  /** Squared Fréchet distance of embedded windows, without a unit. */
  readonly frechet: ScaledFigure;
  /** Of the mean modulation spectrum from 2 to 20 Hz, in dB. */
  readonly modulation: ScaledFigure;
  /** Of the mean logarithmic spectrum, in dB. Noise that has the spectrum comes near the floor here, so there is no percentage. */
  readonly logSpectrum: Figure;
  /** Root mean square in dB of full scale. */
  readonly level: { readonly samples: number; readonly interval?: Interval; readonly training: number; readonly heldOut: number };
  /**
   * Mean log-spectral distance of samples from each other, in dB, and of pieces of training clips from each other; where there are two
   * samples at least, and clips that differ.
   */
  readonly variety?: { readonly samples: number; readonly interval?: Interval; readonly training: number };
  /** What was compared: so many pieces of so many samples each. */
  readonly pieces: { readonly count: number; readonly length: number };
}

/** How alike samples are to what is most alike in the training clips. */
export interface Copies {
  /** The best match of every piece, from 0 to 1, sorted upwards. */
  readonly samples: readonly number[];
  /** Of pieces of held-out clips, which can be no copies unless the data has duplicates. */
  readonly heldOut: readonly number[];
  /** How much of the training clips was searched, and how much there is. */
  readonly seconds: { readonly searched: number; readonly all: number };
}
