/** A sound to be seen and heard: picture, player, and whatever buttons belong to it. */
import { el } from './dom.ts';
import type { Pictured, Stretch } from './picture.ts';
import { drawPicture, shareAt } from './picture.ts';
import { Pictures } from './pictures.ts';
import type { Growing } from './growing.ts';
import { Player } from './player.ts';

/** CSS pixels that a pointer may move and is still a click. */
const still = 4;

const icons = { play: 'M3 1.5v13l11-6.5z', pause: 'M3 1.5h3.5v13H3zM9.5 1.5H13v13H9.5z' };

/** The one that sounds: two at once are heard as neither. */
let sounding: SoundFigure | undefined;

export class SoundFigure {
  readonly element: HTMLElement;
  readonly #canvas = el('canvas', { role: 'img', 'aria-label': 'No sound yet' });
  readonly #title = el('span', {});
  readonly #play: HTMLButtonElement;
  readonly #icon = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  readonly #audio = new Player(() => this.#show());
  #selected: Stretch | undefined;
  #sound: Pictured = { samples: new Float32Array(1), sampleRate: 1 };
  readonly #beside: readonly HTMLElement[];
  #picture: ImageBitmap | undefined;
  readonly #pictures = new Pictures((image) => {
    this.#picture?.close();
    this.#picture = image;
    this.#draw();
  });
  #growing: Growing | undefined;
  #name = '';
  #hasSound = false;

  /** With `onSelect`, a stretch of it can be marked by dragging; the caller has fields for the same, for who has no pointer. */
  constructor({ beside = [], onSelect }: { beside?: readonly HTMLElement[]; onSelect?: (stretch: Stretch) => void } = {}) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('aria-hidden', 'true');
    svg.append(this.#icon);
    this.#play = el('button', { type: 'button', class: 'play', disabled: true }, svg);
    this.#play.onclick = () => void (this.#audio.paused ? this.#start() : this.#audio.pause());
    this.#beside = beside;
    this.#followPointer(onSelect);
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
    this.#pictures.ask(sound.samples);
    this.#name = name;
    this.#hasSound = true;
    this.#title.replaceChildren(name, el('small', {}, note));
    const seconds = (sound.samples.length / sound.sampleRate).toFixed(2);
    this.#canvas.setAttribute('aria-label', `Waveform and spectrogram of ${name}, ${seconds} seconds, 0 to ${sound.sampleRate / 2000} kilohertz`);
    this.#audio.set(sound, { loop });
    this.#selected = undefined;
    if (continues && !paused) {
      this.#audio.currentTime = currentTime;
      void this.#start();
    }
    this.#show();
    this.#draw();
  }

  /** Shows a sound of which nothing is there yet; `grown` says what is. */
  begin(sound: Pictured, { name }: { name: string }): void {
    this.set(sound, { name });
    this.#growing = this.#audio.grow(sound);
    this.#show();
  }

  /** The first `made` samples of the sound that was begun are there. */
  grown(made: number, note: string): void {
    this.#title.querySelector('small')!.textContent = note;
    this.#pictures.ask(this.#sound.samples);
    this.#growing?.grow(made);
    this.#draw();
  }

  /** Nothing more comes of it. */
  halt(): void {
    this.#growing?.halt();
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

  /** Marks a stretch, in seconds, or none. */
  select(stretch: Stretch | undefined): void {
    this.#selected = stretch;
    this.#draw();
  }

  #timeAt(x: number): number {
    return (shareAt(this.#canvas, x) * this.#sound.samples.length) / this.#sound.sampleRate;
  }

  #followPointer(onSelect?: (stretch: Stretch) => void): void {
    const canvas = this.#canvas;
    let from: number | undefined; // pixels
    const stretchTo = (x: number): Stretch => {
      const [first, last] = [this.#timeAt(from!), this.#timeAt(x)].sort((a, b) => a - b);
      return [first!, last!];
    };
    if (onSelect) canvas.style.touchAction = 'pan-y';
    canvas.onpointerdown = ({ offsetX, pointerId }) => {
      from = offsetX;
      canvas.setPointerCapture(pointerId);
    };
    canvas.onpointermove = ({ offsetX }) => {
      if (onSelect && this.#hasSound && from !== undefined && Math.abs(offsetX - from) > still) this.select(stretchTo(offsetX));
    };
    canvas.onpointerup = ({ offsetX }) => {
      if (from === undefined) return;
      if (onSelect && this.#hasSound && Math.abs(offsetX - from) > still) onSelect(stretchTo(offsetX));
      else this.#audio.currentTime = this.#timeAt(offsetX);
      from = undefined;
      this.#draw();
    };
    canvas.onpointercancel = () => {
      from = undefined;
    };
  }

  #show(): void {
    this.#play.disabled = !this.#hasSound;
    for (const element of this.#beside) element.hidden = !this.#hasSound;
    this.#play.setAttribute('aria-label', `${this.#audio.paused ? 'Play' : 'Pause'} ${this.#name}`.trim());
    this.#icon.setAttribute('d', icons[this.#audio.paused ? 'play' : 'pause']);
  }

  #draw(): void {
    const { currentTime, paused } = this.#audio;
    drawPicture(this.#canvas, this.#hasSound ? this.#sound : undefined, this.#picture, { at: paused && currentTime === 0 ? undefined : currentTime, selected: this.#selected });
  }
}
