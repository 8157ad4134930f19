/** What plays a sound. */

/** As much of an audio element as is used. */
export interface Voice {
  readonly paused: boolean;
  currentTime: number; // seconds
  play(): Promise<void>;
  pause(): void;
  release(): void;
}

/** At the sound's own rate, so that the browser's resampler does not begin anew at each seam. Some browsers refuse low rates. */
export function contextAt(sampleRate: number): AudioContext {
  try {
    return new AudioContext({ sampleRate });
  } catch {
    return new AudioContext();
  }
}
