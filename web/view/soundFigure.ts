/** A sound to be seen and heard: picture, player, and whatever buttons belong to it. */
import { encodeWav } from '../../src/web.ts';
import { el } from './dom.ts';
import type { Pictured } from './picture.ts';
import { drawPicture, spectrogramOf } from './picture.ts';

const icons = { play: 'M3 1.5v13l11-6.5z', pause: 'M3 1.5h3.5v13H3zM9.5 1.5H13v13H9.5z' };

/** The one that sounds: two at once are heard as neither. */
let sounding: SoundFigure | undefined;

export class SoundFigure {
  readonly element: HTMLElement;
  readonly #canvas = el('canvas', { role: 'img' });
  readonly #title = el('span', {});
  readonly #play: HTMLButtonElement;
  readonly #icon = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  readonly #audio = new Audio();
  #sound: Pictured = { samples: new Float32Array(64), sampleRate: 8000 };
  #picture = spectrogramOf(this.#sound);
  #name = '';
  #hasSound = false;

  constructor({ beside = [] }: { beside?: readonly HTMLElement[] } = {}) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('aria-hidden', 'true');
    svg.append(this.#icon);
    this.#play = el('button', { type: 'button', class: 'play', disabled: true }, svg);
    this.#play.onclick = () => void (this.#audio.paused ? this.#start() : this.#audio.pause());
    this.#audio.onpause = this.#audio.onplay = () => this.#show();
    this.#canvas.onclick = ({ offsetX }) => this.#seek(offsetX);
    this.element = el('figure', {},
      el('div', { class: 'head' }, this.#play, this.#title, ...beside),
      el('div', { class: 'picture' }, this.#canvas));
    new ResizeObserver(() => this.#draw()).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    this.#show();
  }

  /** Shows another sound, and goes on playing where the last one was if it `continues` that. */
  set(sound: Pictured, { name, note = '', loop = false, continues = false }: { name: string; note?: string; loop?: boolean; continues?: boolean }): void {
    const { paused, currentTime } = this.#audio;
    this.#sound = sound;
    this.#picture = spectrogramOf(sound);
    this.#name = name;
    this.#hasSound = true;
    this.#title.replaceChildren(name, el('small', {}, note));
    const seconds = (sound.samples.length / sound.sampleRate).toFixed(2);
    this.#canvas.setAttribute('aria-label', `Waveform and spectrogram of ${name}, ${seconds} seconds, 0 to ${sound.sampleRate / 2000} kilohertz`);
    URL.revokeObjectURL(this.#audio.src);
    this.#audio.src = URL.createObjectURL(new Blob([encodeWav(sound.samples, { sampleRate: sound.sampleRate }) as Uint8Array<ArrayBuffer>], { type: 'audio/wav' }));
    this.#audio.loop = loop;
    if (continues && !paused) {
      this.#audio.currentTime = currentTime;
      void this.#start();
    }
    this.#show();
    this.#draw();
  }

  async #start(): Promise<void> {
    if (sounding && sounding !== this) sounding.#audio.pause();
    sounding = this;
    await this.#audio.play().catch(() => undefined); // another sound came before it began
    const follow = (): void => {
      this.#draw();
      if (!this.#audio.paused) requestAnimationFrame(follow);
    };
    follow();
  }

  #seek(x: number): void {
    const [left, right] = [52, this.#canvas.clientWidth - 12];
    const share = Math.max(0, Math.min(1, (x - left) / (right - left)));
    this.#audio.currentTime = (share * this.#sound.samples.length) / this.#sound.sampleRate;
    this.#draw();
  }

  #show(): void {
    this.#play.disabled = !this.#hasSound;
    this.#play.setAttribute('aria-label', `${this.#audio.paused ? 'Play' : 'Pause'} ${this.#name}`.trim());
    this.#icon.setAttribute('d', icons[this.#audio.paused ? 'play' : 'pause']);
  }

  #draw(): void {
    const { currentTime, paused } = this.#audio;
    drawPicture(this.#canvas, this.#sound, this.#picture, paused && currentTime === 0 ? undefined : currentTime);
  }
}
