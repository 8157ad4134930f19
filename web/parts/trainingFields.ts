/** What a new run is like: its fields, what its network sees, and the memory that it would take. */
import { receptiveField } from '../../src/web.ts';
import type { DiffWaveConfig } from '../../src/web.ts';
import type { RunWish, TrainingWish } from '../engine/protocol.ts';
import { Saying, el, numberField, optionalNumberField } from '../view/dom.ts';
import type { Notebook } from './notebook.ts';
import { digits } from './notebook.ts';

const mebibyte = 2 ** 20;

/** Milliseconds without typing after which the memory is planned. */
const pause = 250;

export class TrainingFields {
  /** Of the run that goes on as well. */
  readonly always: HTMLElement;
  readonly ofNewRuns: HTMLElement;
  readonly plan = new Saying();
  readonly steps = numberField('Updates in total', { value: 2000, min: 1 });
  readonly #soundEvery = optionalNumberField('A sound every', { value: 500, min: 1, step: 1 });
  readonly #memoryLimit = optionalNumberField('Memory limit, in MiB', { min: 1 });
  readonly #fields = {
    layers: numberField('Layers', { value: 8, min: 1, max: 100 }),
    channels: numberField('Channels', { value: 32, min: 1, max: 1024 }),
    batchSize: numberField('Clips per update', { value: 4, min: 1, max: 512 }),
    cropSamples: numberField('Samples of a crop', { value: 2048, min: 16 }),
    learningRate: numberField('Learning rate', { value: 2e-4, min: 0, step: 'any' }),
    seed: numberField('Seed', { value: 0, min: 0 }),
    saveEvery: numberField('Checkpoint every', { value: 250, min: 1 }),
  };
  readonly #teachLabels = el('input', { type: 'checkbox' });
  readonly #labels = el('label', {}, 'Teach it the folders as labels', this.#teachLabels);
  readonly #sees = el('p', { class: 'said' });
  readonly #notebook: Notebook;
  /** Whether there is nothing to plan, as a run is going on. */
  #isTraining = false;
  #asked = 0;

  constructor(notebook: Notebook) {
    this.#notebook = notebook;
    const labels = [...Object.values(this.#fields), this.#memoryLimit].map(({ label }) => label);
    this.always = el('div', { class: 'fields' }, this.steps.label, this.#soundEvery.label);
    this.ofNewRuns = el('details', {}, el('summary', {}, 'Network and training'), el('div', { class: 'fields' }, ...labels, this.#labels), this.#sees);
    let filledFor = notebook.presetName;
    notebook.onChange(() => {
      if (filledFor !== notebook.presetName) this.#fill(); // what was typed stays where only the music is other
      filledFor = notebook.presetName;
      this.#offerLabels();
      this.#edited();
    });
    for (const part of [this.always, this.ofNewRuns]) part.addEventListener('input', () => this.#edited());
    this.#fill();
    this.#offerLabels();
    this.#edited();
  }

  set isTraining(value: boolean) {
    this.#isTraining = value;
    if (!value) this.#edited();
  }

  /** Throws an `EngineError` where a field has what it cannot. */
  ofRun(): RunWish {
    return { steps: this.steps.read(), saveEvery: this.#fields.saveEvery.read(), soundEvery: this.#soundEvery.read() ?? 0 };
  }

  wish(): TrainingWish {
    const { training } = this.#notebook.preset;
    const { batchSize, learningRate, seed, cropSamples } = this.#fields;
    const clipSamples = this.#notebook.manifest!.clipSamples;
    const limit = this.#memoryLimit.read();
    return {
      preset: this.#notebook.presetName,
      model: this.#network(),
      training: {
        ...training, batchSize: batchSize.read(), learningRate: learningRate.read(), seed: seed.read(),
        cropSamples: cropSamples.read() >= clipSamples ? null : cropSamples.read(),
      },
      labels: this.#teachLabels.checked && !this.#labels.hidden,
      ...this.ofRun(),
      ...(limit !== undefined && { memoryLimit: Math.floor(limit * mebibyte) }),
    };
  }

  #network(): DiffWaveConfig {
    const { model } = this.#notebook.preset;
    const layers = this.#fields.layers.read();
    return { ...model, layers, channels: this.#fields.channels.read(), dilationCycle: Math.min(model.dilationCycle, layers) };
  }

  #fill(): void {
    const { model, training } = this.#notebook.preset;
    const values = { ...model, ...training, cropSamples: training.cropSamples ?? this.#notebook.manifest?.clipSamples ?? 36750 };
    for (const name of ['layers', 'channels', 'batchSize', 'cropSamples', 'learningRate'] as const) this.#fields[name].input.value = String(values[name]);
  }

  /** Labels can be taught where the tracks lie in several folders, to a network that is not told spectrograms. */
  #offerLabels(): void {
    const folders = new Set(this.#notebook.manifest?.clips.map(({ file }) => (file.includes('/') ? file.split('/')[0] : undefined)));
    this.#labels.hidden = folders.size < 2 || folders.has(undefined) || this.#notebook.preset.model.conditioner !== undefined;
    this.#labels.title = [...folders].join(', ');
  }

  #edited(): void {
    const { layers, channels } = this.#fields;
    if (layers.input.validity.valid && channels.input.validity.valid) {
      const network = this.#network();
      const samples = receptiveField(network);
      this.#sees.textContent = `The network sees ${samples.toLocaleString('en')} samples at once, ${digits(1000 * samples / network.sampleRate)} ms.`;
    }
    const mine = ++this.#asked;
    setTimeout(() => void (mine === this.#asked && this.#plan(mine)), pause);
  }

  async #plan(mine: number): Promise<void> {
    if (!this.#notebook.manifest) return this.plan.say('There is no music yet: part 1 has some, or takes yours.');
    const parts = [this.always, this.ofNewRuns].flatMap((part) => [...part.querySelectorAll('input')]);
    if (this.#isTraining || !('gpu' in navigator) || parts.some(({ validity }) => !validity.valid)) return;
    const line = this.#notebook.engine.ask('plan', this.wish());
    await line.then(
      (text) => void (mine === this.#asked && this.plan.say(`A new run: ${text}.`)),
      (error: unknown) => void (mine === this.#asked && this.plan.fail(error)),
    );
  }
}
