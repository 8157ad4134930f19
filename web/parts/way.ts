/** The way from noise to sound: shown while it is walked, and to go back over afterwards. */
import type { Sound, Source } from '../engine/protocol.ts';
import { el } from '../view/dom.ts';
import type { SoundFigure } from '../view/soundFigure.ts';

interface Shown { readonly name: string; readonly note: string; readonly loop?: boolean }

export class Way {
  readonly element: HTMLElement;
  readonly #figure: SoundFigure;
  readonly #slider = el('input', { type: 'range', min: 0, max: 0, value: 0, step: 1, disabled: true });
  #places: { readonly sound: Source; readonly shown: Shown }[] = [];

  constructor(figure: SoundFigure) {
    this.#figure = figure;
    this.element = el('div', { class: 'row' }, el('label', { class: 'wide' }, 'The way from noise to sound', this.#slider));
    this.#slider.oninput = () => this.#show();
  }

  begin(): void {
    this.#places = [];
    this.#slider.disabled = true;
  }

  /** x_t, with so many steps `left`. */
  add(sound: Source & { readonly left: number }): void {
    this.#add(sound, { name: 'On the way from noise to sound', note: `${sound.left} ${sound.left === 1 ? 'step' : 'steps'} left` });
  }

  /** What came out. */
  end(sound: Sound, shown: Shown): void {
    this.#add(sound, shown);
    this.#slider.disabled = false;
  }

  #add(sound: Source, shown: Shown): void {
    this.#places.push({ sound, shown });
    this.#slider.max = String(this.#places.length - 1);
    this.#slider.value = this.#slider.max;
    this.#show();
  }

  #show(): void {
    const place = this.#places[this.#slider.valueAsNumber];
    if (!place) return;
    const { name, note } = place.shown;
    this.#slider.setAttribute('aria-valuetext', `${name}, ${note}`);
    this.#figure.set(place.sound, { ...place.shown, continues: true });
  }
}
