/** Plays a sound that is still being made: what is there, then what has come meanwhile, without a seam; where nothing has come yet, it waits. */
import type { Pictured } from './picture.ts';
import type { Voice } from './voice.ts';
import { contextAt } from './voice.ts';

interface Playing {
  readonly context: AudioContext;
  /** When the sound's first sample was due, in the context's seconds; later after every wait. */
  begun: number;
  /** Samples that the context has been given, or that were skipped. */
  given: number;
}

export class Growing implements Voice {
  readonly #sound: Pictured;
  readonly #changed: () => void;
  #made = 0;
  /** Samples that there will be. */
  #whole: number;
  #playing: Playing | undefined;
  #at = 0; // seconds, while it is paused

  /** Of all samples, which are filled in as they are made. */
  constructor(sound: Pictured, changed: () => void) {
    this.#sound = sound;
    this.#changed = changed;
    this.#whole = sound.samples.length;
  }

  /** The first `made` samples are there. */
  grow(made: number): void {
    this.#made = made;
    this.#give();
  }

  /** No more will be made. */
  halt(): void {
    this.#whole = this.#made;
    const playing = this.#playing;
    if (playing && playing.context.currentTime - playing.begun >= this.#whole / this.#sound.sampleRate) this.#end(playing);
  }

  get paused(): boolean {
    return !this.#playing;
  }

  get currentTime(): number {
    if (!this.#playing) return this.#at;
    const { context, begun, given } = this.#playing;
    return Math.max(0, Math.min(context.currentTime - begun, given / this.#sound.sampleRate));
  }

  set currentTime(time: number) {
    const wasPlaying = this.#playing;
    this.pause();
    this.#at = Math.min(time, this.#made / this.#sound.sampleRate);
    if (wasPlaying) void this.play();
  }

  async play(): Promise<void> {
    const { sampleRate } = this.#sound;
    const context = contextAt(sampleRate);
    this.#playing = { context, begun: context.currentTime - this.#at, given: Math.round(this.#at * sampleRate) };
    this.#give();
    this.#changed();
  }

  pause(): void {
    if (!this.#playing) return;
    this.#at = this.currentTime;
    const { context } = this.#playing;
    this.#playing = undefined;
    void context.close();
    this.#changed();
  }

  release(): void {
    this.pause();
  }

  /** What is there and was not given yet. */
  #give(): void {
    const playing = this.#playing;
    if (!playing || playing.given >= this.#made) return;
    const { context, given } = playing;
    const { samples, sampleRate } = this.#sound;
    const buffer = context.createBuffer(1, this.#made - given, sampleRate);
    buffer.copyToChannel(new Float32Array(samples.subarray(given, this.#made)), 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    playing.begun = Math.max(playing.begun, context.currentTime - given / sampleRate); // it had to wait
    source.connect(context.destination);
    source.start(playing.begun + given / sampleRate);
    playing.given = this.#made;
    source.onended = () => {
      if (playing.given === this.#whole && playing.given === given + buffer.length) this.#end(playing);
    };
  }

  #end(playing: Playing): void {
    if (this.#playing !== playing) return;
    this.pause();
    this.#at = 0;
    this.#changed();
  }
}
