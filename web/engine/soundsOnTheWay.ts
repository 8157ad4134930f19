/**
 * Sounds that are made while training goes on: of a copy of the weights, a reverse step at a time between the updates. Training does not
 * know of them, so that its bits are those of a run that makes none.
 */
import type { DiffWaveConfig, Split, Trainer } from '../../src/web.ts';
import { DeviceLostError, Model, sample, sampleOnTheWay } from '../../src/web.ts';
import type { Tell } from './protocol.ts';

export class SoundsOnTheWay {
  readonly #every: number; // updates; 0: none
  readonly #config: DiffWaveConfig;
  readonly #split: Split;
  readonly #signal: AbortSignal;
  readonly #tell: Tell;
  #making: Promise<void> | undefined;
  #isOver = false;

  constructor({ every, config, split, signal, tell }: { every: number; config: DiffWaveConfig; split: Split; signal: AbortSignal; tell: Tell }) {
    this.#every = every;
    this.#config = config;
    this.#split = split;
    this.#signal = signal;
    this.#tell = tell;
  }

  /** After every update: begins a sound where one is due and none is being made. Waits only for the weights. */
  async look({ step, model, average }: Trainer): Promise<void> {
    if (this.#every === 0 || step % this.#every !== 0 || this.#making) return;
    const weights = average ? await model.parameters.read(average) : await model.weights();
    const { gpu, network, diffusion, shaping } = model;
    this.#making = this.#make(new Model(gpu, { network, diffusion, shaping, weights }), step)
      .catch((error: unknown) => {
        // That the GPU was lost is said by the training.
        if (!(error instanceof Over || error instanceof DeviceLostError)) this.#tell('note', `no sound of update ${step}: ${(error as Error).message}`);
      })
      .finally(() => {
        this.#making = undefined;
      });
  }

  /** Resolves when the last sound is made; with `now`, it is given up. */
  async end({ now }: { now: boolean }): Promise<void> {
    this.#isOver ||= now;
    await this.#making;
  }

  async #make(copy: Model, step: number): Promise<void> {
    const { gpu } = copy;
    const { device } = gpu;
    const goOn = (): void => {
      // What was on a device that was lost must not be used on the one in its place.
      if (this.#isOver || this.#signal.aborted || gpu.device !== device) throw new Over();
    };
    try {
      const { label, ...wanted } = sampleOnTheWay(this.#config, this.#split, step / this.#every - 1);
      const { audio: [samples] } = await sample(copy, {
        ...wanted, seed: 0, onTile: goOn,
        onStep: (done, total) => this.#tell('sounding', { step, done, total }),
      });
      this.#tell('sound', { step, samples: samples!, sampleRate: this.#config.sampleRate, label });
    } finally {
      copy.destroy();
    }
  }
}

/** Thrown to end a sound that nobody waits for any more. */
class Over extends Error {}
