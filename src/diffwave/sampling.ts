/** Sampling: from noise to sound, by the reverse process. */
import { Executable } from '../autograd/executable.ts';
import { planTape } from '../autograd/plan.ts';
import { Tape } from '../autograd/tape.ts';
import { UserError } from '../errors.ts';
import { noise, noiseValues } from '../ops/noise.ts';
import { reverseStep } from '../ops/reverse.ts';
import { Denoiser } from './denoiser.ts';
import type { DiffWave } from './model.ts';
import type { Variance } from './schedule.ts';
import { scheduleOf } from './schedule.ts';
import { streams } from './streams.ts';

export interface SampleOptions {
  /** B and L: how many clips, of how many samples. */
  readonly shape: readonly [B: number, L: number];
  readonly seed?: number;
  /** σ_t²: β_t (default) or the posterior's β̃_t (Ho et al. 2020, §3.2). */
  readonly variance?: Variance;
  /** Diffusion steps to walk back; the network's own number by default. The schedule is linear over them. */
  readonly diffusionSteps?: number;
  /** Number of the first clip: clip n is the same whether it is made alone or with others. */
  readonly firstItem?: number;
  /** Also return x_t of every step, beginning with the noise. */
  readonly returnSequence?: boolean;
  /** Called after every reverse step has been queued; throw to stop. */
  readonly onStep?: (done: number, total: number) => void;
}

export interface Samples {
  /** One array of L samples per clip, not clamped. */
  readonly audio: Float32Array<ArrayBuffer>[];
  /** With `returnSequence`: for x_T, …, x_0, the clips. */
  readonly sequence?: Float32Array<ArrayBuffer>[][];
  /** Bytes of GPU memory at the highest, everything counted that this Gpu holds. */
  readonly peakBytes: number;
}

/**
 * Ancestral sampling (Ho et al. 2020, algorithm 2) of B clips of any length L: x_T is standard normal, then
 * x_{t−1} = (x_t − β_t/√(1−ᾱ_t)·ε_θ(x_t, t))/√α_t + σ_t·z for t = T−1 … 0. A function of weights, seed and item.
 */
export async function sample(model: DiffWave, options: SampleOptions): Promise<Samples> {
  const [B, L] = options.shape;
  for (const [name, size] of Object.entries({ B, L })) {
    if (!Number.isSafeInteger(size) || size < 1) throw new UserError(`sample: wanted a positive whole number for ${name}, got ${size}`);
  }
  const { gpu, config } = model;
  const { seed = 0, variance = 'beta', firstItem = 0, diffusionSteps = config.diffusionSteps } = options;
  if (diffusionSteps > config.diffusionSteps) {
    throw new UserError(`the network knows ${config.diffusionSteps} diffusion steps, so it cannot sample with ${diffusionSteps}`);
  }
  const schedule = scheduleOf({ ...config, diffusionSteps });
  const sigma = schedule.sigma(variance);

  const denoiser = await Denoiser.create({ model, B, L });
  const made: Executable[] = [];
  const build = async (record: (tape: Tape) => void): Promise<Executable> => {
    const tape = new Tape();
    record(tape);
    const executable = await Executable.build(gpu, planTape(tape));
    made.push(executable);
    return executable;
  };
  try {
    const start = await build((tape) => {
      noise(tape, { B, L, stream: streams.start, firstItem, into: tape.external('x', [B, L], denoiser.x) });
    });
    const reverse = await build((tape) => {
      const z = noise(tape, { B, L, stream: streams.reverse, firstItem });
      const predicted = tape.external('predicted', [B, L], denoiser.predicted);
      reverseStep(tape, { x: tape.external('x', [B, L], denoiser.x), predicted, noise: z });
    });

    start.run(noiseValues({ seed, step: 0 }));
    const sequence: Float32Array<ArrayBuffer>[][] = [];
    if (options.returnSequence) sequence.push(clipsOf(await denoiser.readX(), L));
    for (let t = diffusionSteps - 1; t >= 0; t--) {
      await denoiser.predict(new Array<number>(B).fill(t));
      reverse.run({
        ...noiseValues({ seed, step: t }),
        inverseSqrtAlpha: schedule.inverseSqrtAlpha[t]!,
        noiseCoefficient: schedule.noiseCoefficient[t]!,
        sigma: sigma[t]!,
      });
      if (options.returnSequence) sequence.push(clipsOf(await denoiser.readX(), L));
      options.onStep?.(diffusionSteps - t, diffusionSteps);
    }
    const audio = clipsOf(await denoiser.readX(), L);
    const silent = audio.findIndex((clip) => clip.some((value) => !Number.isFinite(value)));
    if (silent >= 0) {
      throw new UserError(
        `clip ${firstItem + silent} came out as NaN or infinity: the weights are broken, or the network was never trained; look at the loss in the run's log`,
      );
    }
    return { audio, sequence: options.returnSequence ? sequence : undefined, peakBytes: gpu.buffers.peakBytes };
  } finally {
    for (const executable of made) executable.destroy();
    denoiser.destroy();
  }
}

function clipsOf(all: Float32Array<ArrayBuffer>, L: number): Float32Array<ArrayBuffer>[] {
  return Array.from({ length: all.length / L }, (_, b) => all.slice(b * L, (b + 1) * L));
}
