/** Plays a sound that is still being made: what is there, then what has come meanwhile, without a seam; where nothing has come yet, it waits. */
import type { Pictured } from './picture.ts';
import { ContextVoice } from './voice.ts';

interface Playing {
  readonly context: AudioContext;
  /** When the sound's first sample was due, in the context's seconds; later after every wait. */
  begun: number;
  /** Samples that the context has been given, or that were skipped. */
  given: number;
}

export class Growing extends ContextVoice<Playing> {
  #made = 0;
  /** Samples that there will be. */
  #whole: number;

  /** Of all samples, which are filled in as they are made. */
  constructor(sound: Pictured, changed: () => void) {
    super(sound, changed);
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
    const playing = this.playing;
    if (playing && playing.context.currentTime - playing.begun >= this.#whole / this.sound.sampleRate) this.#end(playing);
  }

  override get currentTime(): number {
    return super.currentTime;
  }

  override set currentTime(time: number) {
    super.currentTime = Math.min(time, this.#made / this.sound.sampleRate);
  }

  protected heard({ context, begun, given }: Playing): number {
    return Math.max(0, Math.min(context.currentTime - begun, given / this.sound.sampleRate));
  }

  protected begin(context: AudioContext): void {
    this.playing = { context, begun: context.currentTime - this.at, given: Math.round(this.at * this.sound.sampleRate) };
    this.#give();
  }

  /** What is there and was not given yet. */
  #give(): void {
    const playing = this.playing;
    if (!playing || playing.given >= this.#made) return;
    const { context, given } = playing;
    const { samples, sampleRate } = this.sound;
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
    if (this.playing !== playing) return;
    this.pause();
    this.at = 0;
    this.changed();
  }
}
