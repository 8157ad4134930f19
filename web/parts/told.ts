/** What a network is told of the sound that it makes: labels, or a spectrogram. Shown where the weights that are here want it. */
import type { DiffWaveConfig } from '../../src/web.ts';
import type { ToldWish } from '../engine/protocol.ts';
import { Saying, button, el, filePicker, numberField, selectField, textField } from '../view/dom.ts';
import type { Notebook } from './notebook.ts';
import { SourceField } from './source.ts';

/** No label can be called so. */
const [mixed, along] = ['a:mixture', 'over:time'];

export class ToldFields {
  /** Among the other fields. */
  readonly fields: readonly HTMLElement[];
  /** Below them. */
  readonly spectrogram: HTMLElement;
  readonly #notebook: Notebook;
  readonly #say = new Saying();
  readonly #label = selectField('Label', {});
  readonly #mixture = textField('Mixture');
  readonly #along = textField('Labels over time');
  readonly #guidance = numberField('Guidance', { value: 1, min: 0, step: 'any' });
  readonly #sound: SourceField;
  readonly #back: HTMLButtonElement;
  /** A spectrogram in the place of a sound's. */
  #file: File | undefined;

  constructor(notebook: Notebook) {
    this.#notebook = notebook;
    this.#sound = new SourceField(notebook, { title: 'Play the spectrogram of clip', clip: 1 });
    this.#back = button('Back to sounds', () => this.#take(undefined), { say: this.#say });
    const choose = filePicker('Choose a spectrogram (.npy)', { accept: '.npy' }, ([file]) => this.#say.during(async () => {
      const line = await notebook.engine.ask('spectrogram', file!);
      this.#take(file);
      this.#say.say(line);
    }));
    this.fields = [this.#label.label, this.#mixture.label, this.#along.label, this.#guidance.label];
    this.spectrogram = el('div', {}, this.#sound.element, el('div', { class: 'row' }, choose, this.#back), this.#say.element);
    this.#label.select.onchange = () => this.#arrange();
    notebook.onNetwork(() => this.#renew());
    this.#renew();
  }

  /** Undefined where there is nothing to tell. Throws an `EngineError` where a field has what it cannot. */
  async read(): Promise<ToldWish | undefined> {
    const { network } = this.#notebook;
    if (network?.conditioner === 'mel') return this.#file ? { kind: 'spectrogram', file: this.#file } : { kind: 'sound', ...(await this.#sound.readNamed()) };
    if (!network?.labels) return undefined;
    const guidance = this.#guidance.read();
    switch (this.#label.select.value) {
      case mixed: return { kind: 'labels', text: this.#mixture.input.value, guidance };
      case along: return { kind: 'along', text: this.#along.input.value, guidance };
      default: return { kind: 'labels', text: this.#label.select.value, guidance };
    }
  }

  #renew(): void {
    this.#take(undefined);
    const { labels = [], alwaysLabelled = false } = this.#notebook.network ?? {} as Partial<DiffWaveConfig>;
    const names = [...(alwaysLabelled ? [] : ['none']), ...labels];
    const before = this.#label.select.value;
    this.#label.select.replaceChildren(...names.map((name) => el('option', { value: name }, name)),
      ...(labels.length > 1 ? [el('option', { value: mixed }, 'a mixture'), el('option', { value: along }, 'changing over time')] : []));
    this.#label.select.value = [...names, mixed, along].includes(before) ? before : labels[0] ?? '';
    const [first, second] = labels;
    this.#mixture.input.value = `${first}:0.5,${second}:0.5`;
    this.#along.input.value = `0:${first},4:${second}`;
    this.#arrange();
  }

  #arrange(): void {
    const { network } = this.#notebook;
    const chosen = this.#label.select.value;
    this.#label.label.hidden = this.#guidance.label.hidden = !network?.labels;
    if (network?.alwaysLabelled) this.#guidance.label.hidden = true; // away from what it was never taught
    this.#mixture.label.hidden = !network?.labels || chosen !== mixed;
    this.#along.label.hidden = !network?.labels || chosen !== along;
    this.spectrogram.hidden = network?.conditioner !== 'mel';
    this.#sound.element.hidden = this.spectrogram.hidden || this.#file !== undefined;
    void this.#sound.show();
  }

  #take(file: File | undefined): void {
    this.#file = file;
    this.#back.hidden = file === undefined;
    this.#say.say('');
    this.#arrange();
  }
}
