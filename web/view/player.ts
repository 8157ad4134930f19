/** Plays a sound: by an audio element, or round and round without a gap, which audio elements cannot. */
import { encodeWav } from '../../src/web.ts';
import { Growing } from './growing.ts';
import type { Pictured } from './picture.ts';
import type { Voice } from './voice.ts';
import { ContextVoice } from './voice.ts';

export class Player {
  readonly #changed: () => void;
  /** Made when the sound is first played: many are only looked at. */
  #make: (() => Voice) | undefined;
  #voice: Voice | undefined;

  /** `changed` is called when it begins to play or stops. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get paused(): boolean {
    return this.#voice?.paused ?? true;
  }

  get currentTime(): number {
    return this.#voice?.currentTime ?? 0;
  }

  set currentTime(time: number) {
    const voice = (this.#voice ??= this.#make?.());
    if (voice) voice.currentTime = time;
  }

  set(sound: Pictured, { loop }: { loop: boolean }): void {
    this.#voice?.release();
    this.#voice = undefined;
    this.#make = () => (loop ? new Loop(sound, this.#changed) : elementOf(sound, this.#changed));
  }

  /** A sound that is still being made; whoever makes it says so to what is returned. */
  grow(sound: Pictured): Growing {
    this.#voice?.release();
    this.#make = undefined;
    const growing = new Growing(sound, this.#changed);
    this.#voice = growing;
    return growing;
  }

  async play(): Promise<void> {
    await (this.#voice ??= this.#make?.())?.play();
  }

  pause(): void {
    this.#voice?.pause();
  }
}

function elementOf({ samples, sampleRate }: Pictured, changed: () => void): Voice {
  const wav = encodeWav(samples, { sampleRate }) as Uint8Array<ArrayBuffer>;
  const url = URL.createObjectURL(new Blob([wav], { type: 'audio/wav' }));
  const audio = new Audio(url);
  audio.onpause = audio.onplay = changed;
  return Object.assign(audio, {
    release() {
      audio.onpause = audio.onplay = null;
      audio.removeAttribute('src');
      audio.load(); // or it may still ask for what is revoked
      URL.revokeObjectURL(url);
    },
  });
}

/** The sound's last sample is followed by its first one. */
class Loop extends ContextVoice<{ readonly context: AudioContext; readonly begun: number }> {
  protected heard({ context, begun }: { readonly context: AudioContext; readonly begun: number }): number {
    return Math.max(0, context.currentTime - begun) % (this.sound.samples.length / this.sound.sampleRate);
  }

  protected begin(context: AudioContext): void {
    const { samples, sampleRate } = this.sound;
    const buffer = context.createBuffer(1, samples.length, sampleRate);
    buffer.copyToChannel(new Float32Array(samples), 0);
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    source.connect(context.destination);
    source.start(0, this.at);
    this.playing = { context, begun: context.currentTime - this.at };
  }
}
