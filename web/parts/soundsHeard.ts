/** The sounds that a training makes on its way, the newest of them and those before. */
import type { News } from '../engine/protocol.ts';
import { Saying, button, el } from '../view/dom.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import type { Notebook } from './notebook.ts';

/** So many are kept: 3 MB at 7,350 Hz. */
const most = 20;

export class SoundsHeard {
  readonly element: HTMLElement;
  readonly #say = new Saying();
  readonly #figure: SoundFigure;
  #sounds: News['sound'][] = [];
  #shown = 0;

  constructor({ engine }: Notebook) {
    const [before, after] = ([['←', 'Sound before', -1], ['→', 'Next sound', 1]] as const).map(([text, label, by]) => {
      const arrow = button(text, () => this.#show(this.#shown + by), { say: this.#say });
      arrow.setAttribute('aria-label', label);
      return arrow;
    });
    this.#figure = new SoundFigure({ beside: [el('span', { class: 'clips' }, before!, after!)] });
    this.element = el('div', {}, this.#say.element, this.#figure.element);
    engine.on('sounding', ({ step, done, total }) => this.#say.say(`A sound of update ${step.toLocaleString('en')} is being made: step ${done} of ${total}`));
    engine.on('sound', (sound) => {
      const wasNewest = this.#shown >= this.#sounds.length - 1;
      this.#sounds = [...this.#sounds, sound].slice(-most);
      this.#say.say(`A sound of update ${sound.step.toLocaleString('en')} is made.`);
      if (wasNewest) this.#show(this.#sounds.length - 1);
    });
  }

  reset(): void {
    this.#sounds = [];
    this.#shown = 0;
    this.#say.say('');
  }

  #show(index: number): void {
    const sound = this.#sounds.at(index % this.#sounds.length);
    if (!sound) return;
    this.#shown = this.#sounds.indexOf(sound);
    this.#figure.set(sound, { name: `What it makes after update ${sound.step.toLocaleString('en')}${sound.label === undefined ? '' : `, told ${sound.label}`}`, note: `sound ${this.#shown + 1} of ${this.#sounds.length} on the way, the noise the same` });
  }
}
