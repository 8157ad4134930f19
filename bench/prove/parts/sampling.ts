/** A minute and a half of sound in 200 steps; a short one first, against the naive kernels. */
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { usableMatrices } from '../../../src/diffwave/training/precision.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { VariantSettings } from '../../../src/gpu/device/variant.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { largestError } from '../../../src/verify/run.ts';
import { makeLastLayerMatter } from '../../peers/case.ts';
import { digits } from '../../lib/report.ts';
import { configured } from '../../lib/work.ts';
import type { Part, PartContext } from '../part.ts';

const long = { samples: 660_000, steps: 200 };

/** Samples and steps of the sound that is compared, and how far two variants may be apart: the tests hold them to this. */
const compared = { samples: 2000, steps: 4 };
const tolerances = { float32: 1e-4, matrix: 0.05 }; // of the largest sample; f16's 11 places, step after step

/** Steps that show how long all of them will take. */
const tried = 4;

export const sampling: Part = async (context) => {
  const { gpu } = await context.machine();
  const { model: config } = configured(context.sizes);
  const model = DiffWave.create(gpu, config);
  makeLastLayerMatter(model);
  await sampleWith(context, model, gpu.variant, tolerances.float32);
};

/** The same by subgroup matrices. */
export const matrixSampling: Part = async (context) => {
  const { gpu } = await context.machine({ matrices: true });
  const { model: config } = configured(context.sizes);
  const model = DiffWave.create(gpu, config);
  makeLastLayerMatter(model);
  const variant = await usableMatrices(model);
  if (typeof variant === 'string') context.absent(variant);
  else await sampleWith(context, model, variant, tolerances.matrix);
};

async function sampleWith(context: PartContext, model: DiffWave, variant: VariantSettings, tolerance: number): Promise<void> {
  const { gpu, config } = model;
  const samples = context.small ? 1000 : long.samples;
  const steps = Math.min(context.small ? 2 : long.steps, config.diffusionSteps);
  const short = async (kernels: VariantSettings): Promise<Float32Array> => {
    gpu.variant = kernels;
    return (await sample(model, { shape: [1, context.small ? 200 : compared.samples], steps: compared.steps, seed: 1 })).audio[0]!;
  };
  const wanted = await short(variantNamed('naive', gpu.device, gpu.info)!);
  const got = await short(variant);
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = largestError(got, { value: Float64Array.from(wanted), scale: new Float64Array(wanted.length).fill(largest) });
  if (!(error <= tolerance)) context.wrong(`a sample by the ${variant.variant} kernels is off by ${error.toExponential(1)} of the naive kernels' largest value`);

  const take = async (count: number): Promise<number> => {
    const start = performance.now();
    await sample(model, { shape: [1, samples], steps: count, seed: 1 });
    return (performance.now() - start) / 1000;
  };
  const { seconds, extrapolatedFrom } = await timeSteps(take, { steps, left: () => context.left });
  context.row('sampling', {
    preset: context.sizes.preset, samples, steps, seconds, extrapolatedFrom, variant: variant.variant, tile: variant.tile, error,
  });
  context.line(
    `${samples.toLocaleString('en')} samples (${digits(samples / config.sampleRate)} s of sound) in ${steps} steps by the ${variant.variant} kernels: ` +
    `${digits(seconds)} s${extrapolatedFrom === undefined ? '' : `, extrapolated from ${extrapolatedFrom}`}`);
}

/**
 * Seconds of so many steps: measured where there is time for all of them, else from as many as there is time for. The first
 * one compiles as well; where it is slow already, it has to do.
 */
export async function timeSteps(
  take: (count: number) => Promise<number>, { steps, left }: { steps: number; left: () => number },
): Promise<{ seconds: number; extrapolatedFrom?: number }> {
  const first = await take(1);
  const few = first * tried < left() ? Math.min(tried, steps) : 1;
  const perStep = few === 1 ? first : (await take(few)) / few;
  if (perStep * steps >= left()) return { seconds: perStep * steps, extrapolatedFrom: few };
  return { seconds: await take(steps) };
}
