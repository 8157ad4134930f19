/** The losses of a training that is the same everywhere: same weights, crops, t and noise, so the same numbers to rounding. */
import { readFileSync } from 'node:fs';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import type { ClipSource } from '../../src/diffwave/data/clips.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import type { Machine } from '../lib/machine.ts';
import { digits } from '../lib/report.ts';
import type { Sizes } from '../lib/work.ts';
import { configured } from '../lib/work.ts';
import type { PartContext } from './part.ts';

/** Losses of the first updates, computed with the naive kernels; `writeReference.ts` makes them anew. */
export interface ReferenceCurve extends Sizes {
  readonly losses: readonly number[];
}

export const referenceFile = new URL('./reference.json', import.meta.url);

export function referenceCurves(): Readonly<Record<'small' | 'full', ReferenceCurve>> {
  return JSON.parse(readFileSync(referenceFile, 'utf8'));
}

/** Sixteen clips of three decaying tones each: music enough for a loss to fall, and arithmetic alone. */
export function chords(samples: number): ClipSource {
  return {
    clipCount: 16,
    clipSamples: samples,
    clip: (number) => Float32Array.from({ length: samples }, (_, i) => {
      const tones = [0, 4, 7].map((semitones) => 0.03 * 2 ** ((number + semitones) / 12)); // cycles a sample
      const loudness = 0.3 * Math.exp(-i / samples);
      return loudness * tones.reduce((sum, tone) => sum + Math.sin(2 * Math.PI * tone * i), 0) / 3;
    }),
  };
}

/** Trains for so many updates, or so many seconds; returns the loss of every update, 4,096 at most. */
export async function curveOf(gpu: Gpu, sizes: Sizes, { updates, seconds, training: changes }: {
  updates: number; seconds?: number; training?: Partial<TrainingConfig>;
}): Promise<{ losses: Float32Array; updates: number; seconds: number }> {
  const { model: config, training, L } = configured(sizes);
  using model = DiffWave.create(gpu, config);
  let losses: Float32Array | undefined;
  let [done, took] = [0, 0];
  const end = new AbortController();
  const start = performance.now();
  await train(model, {
    dataset: chords(L), training: { ...training, ...changes }, steps: updates, signal: end.signal,
    saveEvery: updates + 1, snapshotEvery: updates + 1, printEvery: Math.min(updates, 50),
    async onUpdate(trainer) {
      done = trainer.step;
      took = (performance.now() - start) / 1000;
      if (done < updates && (seconds === undefined || took < seconds)) return;
      losses = await trainer.losses(Math.min(done, 4096)); // now, as the trainer does not outlive the loop
      end.abort();
    },
  });
  return { losses: losses!, updates: done, seconds: took };
}

/** Relative to the reference's: of the first loss, and how much more of every further one. */
const tolerances: Readonly<Record<string, { readonly first: number; readonly each: number }>> = {
  float32: { first: 5e-5, each: 5e-5 },
  mixed: { first: 1e-3, each: 1e-3 },
};

/**
 * How far the loss of an update may be from the reference's, relatively. One update moves a weight by the learning rate in the
 * sign of its gradient, and where that is near zero rounding decides; so losses drift apart, ten times as far every fifty updates.
 * Two variants on lavapipe are 2e-7 apart at first, and mixed precision 5e-4 after ten updates; drivers compute tanh, sine and
 * exponentials to 1e-5 as they like.
 */
export function toleranceAt(update: number, precision: string): number {
  const { first, each } = tolerances[precision] ?? tolerances.mixed!;
  return first + each * update;
}

/** The first update that is too far away, in words; undefined if none is. NaN is too far. */
export function firstFault(losses: ArrayLike<number>, wanted: readonly number[], precision: string): string | undefined {
  const count = Math.min(losses.length, wanted.length);
  for (let i = 0; i < count; i++) {
    const off = Math.abs(losses[i]! - wanted[i]!) / Math.abs(wanted[i]!);
    if (!(off <= toleranceAt(i, precision))) {
      return `the loss of update ${i + 1} is ${losses[i]}, the reference's ${wanted[i]}: off by ${off.toExponential(1)}, allowed ${toleranceAt(i, precision).toExponential(1)}`;
    }
  }
  return undefined;
}

/** Updates whose losses are compared one by one; afterwards only their means are. */
export const comparedUpdates = 12;

/** Compares the first losses in a precision with the small reference. */
export async function firstUpdates(context: PartContext, { gpu }: Machine, precision: TrainingConfig['precision']): Promise<void> {
  const { losses: wanted, ...sizes } = referenceCurves().small;
  const { losses } = await curveOf(gpu, sizes, { updates: comparedUpdates, training: { precision } });
  const fault = firstFault(losses, wanted, precision);
  if (fault) context.wrong(`${precision}: ${fault}`);
  context.row('curve', { ...sizes, variant: gpu.variant.variant, precision, losses: [...losses] });
  context.line(`${precision}: the first ${losses.length} losses ${fault ? 'are wrong' : 'are the reference\'s'}, the last ${digits(losses.at(-1)!)}`);
}
