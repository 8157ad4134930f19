/** A sound that something is made of: a clip of the music, a stretch of one, or a file of the visitor's. */
import { EngineError } from '../engine/client.ts';
import type { Source } from '../engine/protocol.ts';
import { Saying, button, el, filePicker, numberField } from '../view/dom.ts';
import type { Stretch } from '../view/picture.ts';
import { SoundFigure } from '../view/soundFigure.ts';
import { isForBrowser, wavOf } from './browserDecoded.ts';
import type { NamedSource, Notebook } from './notebook.ts';

export class SourceField {
  readonly element: HTMLElement;
  readonly #notebook: Notebook;
  readonly #say = new Saying();
  readonly #clip;
  readonly #back: HTMLButtonElement;
  readonly #figure: SoundFigure;
  /** In the place of a clip. */
  #taken: NamedSource | undefined;
  #asked = 0;

  constructor(notebook: Notebook, { title, clip, onSelect }: { title: string; clip: number; onSelect?: (stretch: Stretch) => void }) {
    this.#notebook = notebook;
    this.#clip = numberField(title, { value: clip, min: 1 });
    this.#figure = new SoundFigure({ onSelect });
    this.#back = button('Back to the clips', () => this.take(undefined), { say: this.#say });
    const choose = filePicker('Choose a sound of yours', {}, ([file]) => this.#takeFile(file!));
    this.element = el('div', { class: 'source' },
      el('div', { class: 'row' }, this.#clip.label, this.#back, choose), this.#say.element, this.#figure.element);
    this.#clip.input.oninput = () => void this.show();
    this.element.ondragover = (event) => event.preventDefault();
    this.element.ondrop = (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer!.files;
      if (file) void this.#takeFile(file);
    };
    notebook.onChange(() => {
      this.#clip.input.max = String(notebook.manifest?.clipCount ?? 1);
      void this.show();
    });
    this.#back.hidden = true;
  }

  /** Throws an `EngineError` where there is none. */
  async read(): Promise<Source> {
    if (this.#taken) return { samples: this.#taken.samples, sampleRate: this.#taken.sampleRate };
    const { engine, manifest } = this.#notebook;
    if (!manifest) throw new EngineError('there is no music yet: take the bundled recordings, drop files of yours, or choose a sound here', true);
    return { samples: await engine.ask('clip', this.#clip.read() - 1), sampleRate: manifest.sampleRate };
  }

  /** The same with what it is called. */
  async readNamed(): Promise<{ audio: Source; name: string }> {
    return { audio: await this.read(), name: this.#taken?.name ?? `clip ${this.#clip.read()}` };
  }

  /** Another sound than a clip from now on; undefined goes back to the clips. */
  async take(sound: NamedSource | undefined): Promise<void> {
    this.#taken = sound;
    this.#clip.label.hidden = sound !== undefined;
    this.#back.hidden = sound === undefined;
    this.#say.say('');
    await this.show();
  }

  /** Marks a stretch, in seconds, or none. */
  select(stretch: Stretch | undefined): void {
    this.#figure.select(stretch);
  }

  async show(): Promise<void> {
    const mine = ++this.#asked;
    if (this.element.hidden || !(this.#taken || (this.#notebook.manifest && this.#clip.input.validity.valid))) return;
    await this.#say.during(async () => {
      const source = await this.read();
      if (mine !== this.#asked) return; // another one was asked for meanwhile
      this.#figure.set(source, { name: this.#taken?.name ?? `Clip ${this.#clip.read()}`, note: `${(source.samples.length / source.sampleRate).toFixed(2)} s` });
      this.element.dispatchEvent(new Event('shown'));
    });
  }

  async #takeFile(file: File): Promise<void> {
    await this.#say.during(async () => {
      const readable = isForBrowser(file.name) ? await wavOf(file, file.name).catch(() => file) : file;
      const { warnings, ...sound } = await this.#notebook.engine.ask('sound', { file: readable, data: this.#notebook.preset.data });
      await this.take({ ...sound, name: file.name });
      this.#say.say(warnings.join('; '));
    });
  }
}
