/** How WAV files become clips. */
export interface DataConfig {
  readonly downsample: number; // whole factor by which the sample rate is divided
  readonly splits: number; // clips that a recording is cut into
  readonly seconds: number; // of each recording that are used
}
