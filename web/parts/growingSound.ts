/** A sound that is heard from its beginning while the rest of it is made. */
import type { News } from '../engine/protocol.ts';
import type { SoundFigure } from '../view/soundFigure.ts';

export class GrowingSound {
  readonly #figure: SoundFigure;
  #samples: Float32Array<ArrayBuffer> | undefined;
  #progress: string | undefined;
  #name = '';

  constructor(figure: SoundFigure) {
    this.#figure = figure;
  }

  /** How far it is, in words; undefined where nothing of it is there. */
  get progress(): string | undefined {
    return this.#progress;
  }

  begin(name: string): void {
    this.#name = name;
    this.#samples = this.#progress = undefined;
  }

  add({ samples, sampleRate, from, total }: News['stretch']): void {
    if (!this.#samples) {
      this.#samples = new Float32Array(total);
      this.#figure.begin({ samples: this.#samples, sampleRate }, { name: this.#name });
    }
    this.#samples.set(samples, from);
    const made = from + samples.length;
    const text = `${(made / sampleRate).toFixed(1)} s of ${(total / sampleRate).toFixed(1)} s are made`;
    this.#progress = `${text}, and can be played`;
    this.#figure.grown(made, text);
  }
}
