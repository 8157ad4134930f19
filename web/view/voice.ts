/** What plays a sound. */
import type { Pictured } from './picture.ts';

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

/** A voice that plays by an audio context, which lives while it plays: `P` has what belongs to it. */
export abstract class ContextVoice<P extends { readonly context: AudioContext }> implements Voice {
  protected readonly sound: Pictured;
  protected readonly changed: () => void;
  protected playing: P | undefined;
  protected at = 0; // seconds, while it is paused

  /** `changed` is called when it begins to play or stops. */
  constructor(sound: Pictured, changed: () => void) {
    this.sound = sound;
    this.changed = changed;
  }

  /** Seconds of the sound that is heard now. */
  protected abstract heard(playing: P): number;
  /** Plays from `at` on, by this context. */
  protected abstract begin(context: AudioContext): void;

  get paused(): boolean {
    return !this.playing;
  }

  get currentTime(): number {
    return this.playing ? this.heard(this.playing) : this.at;
  }

  set currentTime(time: number) {
    const wasPlaying = this.playing;
    this.pause();
    this.at = time;
    if (wasPlaying) void this.play();
  }

  async play(): Promise<void> {
    this.begin(contextAt(this.sound.sampleRate));
    this.changed();
  }

  pause(): void {
    if (!this.playing) return;
    this.at = this.currentTime;
    const { context } = this.playing;
    this.playing = undefined;
    void context.close();
    this.changed();
  }

  release(): void {
    this.pause();
  }
}
