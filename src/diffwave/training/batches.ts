/** Which crops and which diffusion steps a training step sees: functions of (seed, step) and of nothing else. */
import type { Shaping } from '../../audio/shaping.ts';
import { isUnshaped, shape, unshaped } from '../../audio/shaping.ts';
import { UserError } from '../../errors.ts';
import { uniform } from '../../random.ts';
import { elementsOf } from '../../autograd/tensor.ts';
import type { ClipSource } from '../data/clips.ts';
import { cropStart } from '../data/clips.ts';
import type { Conditioning } from '../model/contract.ts';
import { augment } from './augmentation.ts';
import type { TrainingConfig } from './config.ts';
import { streams } from '../streams.ts';
import { stratifiedTimestep, uniformTimestep } from './timesteps.ts';

export interface Batch {
  /** x_0, (B, L), as the network sees it. */
  readonly audio: Float32Array<ArrayBuffer>;
  /** t of every item, counted from 0. */
  readonly t: number[];
  /** What the network is told, (B, …), where it is told something. */
  readonly condition?: Float32Array<ArrayBuffer>;
}

/** How batches are drawn; without the optional ones t is uniform and crops are as they are. */
export interface BatchOptions extends Partial<Pick<TrainingConfig, 'timesteps' | 'polarityFlip' | 'gainDb' | 'labelDropout'>> {
  readonly B: number;
  readonly L: number;
  readonly T: number;
  readonly seed: number;
  /** What a crop becomes before the network sees it. */
  readonly shaping?: Shaping;
  /** What the network is told of a crop. */
  readonly conditioning?: Conditioning;
}

export class BatchSource {
  readonly #clips: ClipSource;
  readonly #options: BatchOptions;
  readonly #checked = new Set<number>();
  #epoch = -1;
  #order: number[] = [];

  /** Throws a `UserError` if there are fewer clips than a batch, or clips shorter than the crop. */
  constructor(clips: ClipSource, options: BatchOptions) {
    const { B, L } = options;
    if (clips.clipCount < B) {
      throw new UserError(`the data set has ${clips.clipCount} clips, fewer than a batch of ${B}: add music or use a smaller \`batchSize\``);
    }
    if (clips.clipSamples < L) {
      throw new UserError(`crops of ${L} samples were asked for, but a clip of the data set has ${clips.clipSamples}: use smaller \`cropSamples\``);
    }
    this.#clips = clips;
    this.#options = options;
  }

  /**
   * The batch of training step `step`, counted from 0. Every clip comes once an epoch, in an order of its own. Throws a
   * `UserError` if a clip has a value that is not a number.
   */
  at(step: number): Batch {
    const { B, L, T, seed, timesteps, polarityFlip, gainDb, shaping = unshaped, conditioning } = this.#options;
    const drawTimestep = timesteps === 'stratified' ? stratifiedTimestep : uniformTimestep;
    const { clipCount, clipSamples } = this.#clips;
    const audio = new Float32Array(B * L);
    const t: number[] = [];
    const numbers = conditioning ? elementsOf(conditioning.shape(L)) : 0; // of an item
    const condition = new Float32Array(B * numbers);
    for (let item = 0; item < B; item++) {
      const number = step * B + item;
      const index = this.#clipAt(Math.floor(number / clipCount), number % clipCount);
      const clip = this.#clip(index);
      const place = { seed, step, item };
      const start = cropStart(uniform({ ...place, stream: streams.crop, index: 0 }), { clipSamples, L, alignment: conditioning?.alignment });
      const crop = audio.subarray(item * L, (item + 1) * L);
      crop.set(clip.subarray(start, start + L));
      const factor = augment(crop, { ...place, polarityFlip, gainDb });
      if (!isUnshaped(shaping)) crop.set(shape(crop, shaping, factor * (clip[start - 1] ?? 0)));
      t.push(drawTimestep({ ...place, B, T }));
      if (conditioning) condition.set(this.#told(conditioning, { clip: index, start, L, gain: factor }, place), item * numbers);
    }
    return { audio, t, ...(conditioning && { condition }) };
  }

  /** What the network is told of a crop; of some of those with labels nothing, so that it learns what it knows without. */
  #told(conditioning: Conditioning, crop: { clip: number; start: number; L: number; gain: number }, place: { seed: number; step: number; item: number }): Float32Array {
    const { nothing } = conditioning;
    const { labelDropout = 0 } = this.#options;
    const isDropped = nothing && uniform({ ...place, stream: streams.labelDropout, index: 0 }) < labelDropout;
    return isDropped ? nothing : conditioning.numbers(this.#clips, crop);
  }

  /** Clip i, looked through when it comes first: the kernels may swallow a NaN, and the loss would not show it. */
  #clip(i: number): Float32Array {
    const clip = this.#clips.clip(i);
    if (this.#checked.has(i)) return clip;
    const broken = clip.findIndex((value) => !Number.isFinite(value));
    if (broken >= 0) {
      throw new UserError(`clip ${i} of the data set has ${clip[broken]} at sample ${broken}: prepare the data set again`);
    }
    this.#checked.add(i);
    return clip;
  }

  /** The clip at a position of an epoch's order, which is shuffled after Fisher and Yates. */
  #clipAt(epoch: number, position: number): number {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = Array.from({ length: this.#clips.clipCount }, (_, i) => i);
      for (let i = this.#order.length - 1; i > 0; i--) {
        const j = Math.floor(uniform({ seed: this.#options.seed, stream: streams.order, step: epoch, item: 0, index: i }) * (i + 1));
        [this.#order[i], this.#order[j]] = [this.#order[j]!, this.#order[i]!];
      }
    }
    return this.#order[position]!;
  }
}
