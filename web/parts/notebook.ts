/** What the parts of the page share: the worker, the music, the preset. */
import type { DiffWaveConfig, Manifest, Preset } from '../../src/web.ts';
import { PRESETS } from '../../src/web.ts';
import type { Engine } from '../engine/client.ts';
import type { Source } from '../engine/protocol.ts';

export type PresetName = keyof typeof PRESETS;

export type NamedSource = Source & { readonly name: string };

export class Notebook {
  readonly engine: Engine;
  presetName: PresetName = 'tiny';
  /** What the last prepared music is. */
  manifest: Manifest | undefined;
  /** How many preparations are going on: `manifest` is of the music before them. */
  preparations = 0;
  /** Of the weights that samples are made with. */
  network: DiffWaveConfig | undefined;
  readonly #listeners: (() => void)[] = [];
  readonly #networkListeners: (() => void)[] = [];
  readonly #takers: ((sound: NamedSource) => unknown)[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get preset(): Preset {
    return PRESETS[this.presetName];
  }

  /** Called when there is other music, or will be, or another preset was chosen. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Called when there may be other weights. */
  onNetwork(listener: () => void): void {
    this.#networkListeners.push(listener);
  }

  async lookAtNetwork(): Promise<void> {
    this.network = await this.engine.ask('network', undefined);
    for (const listener of this.#networkListeners) listener();
  }

  /** Called when a sound is chosen that something is to be made of. */
  onTaken(taker: (sound: NamedSource) => unknown): void {
    this.#takers.push(taker);
  }

  taken(sound: NamedSource): void {
    for (const take of this.#takers) take(sound);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** '1 clip', '2 clips'. */
export const counted = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** Three of them. */
export const digits = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 });

/** 75 → '1 min 15 s'. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
