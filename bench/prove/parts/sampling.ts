/** A minute and a half of sound in 200 steps; a short one first, against the naive kernels. */
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { largestError } from '../../../src/verify/run.ts';
import { makeLastLayerMatter } from '../../peers/case.ts';
import { digits } from '../../lib/report.ts';
import { configured } from '../../lib/work.ts';
import type { Part } from '../part.ts';

const long = { samples: 660_000, steps: 200 };

/** Samples and steps of the sound that is compared, and how far two variants may be apart: the tests hold them to this. */
const compared = { samples: 2000, steps: 4 };
const tolerance = 1e-4; // of the largest sample

/** Steps that show how long all of them will take. */
const tried = 4;

export const sampling: Part = async (context) => {
  const { gpu } = await context.machine();
  const { model: config } = configured(context.sizes);
  const samples = context.small ? 1000 : long.samples;
  const steps = Math.min(context.small ? 2 : long.steps, config.diffusionSteps);
  const model = DiffWave.create(gpu, config);
  makeLastLayerMatter(model);

  const own = gpu.variant;
  const short = async (): Promise<Float32Array> =>
    (await sample(model, { shape: [1, context.small ? 200 : compared.samples], steps: compared.steps, seed: 1 })).audio[0]!;
  const got = await short();
  gpu.variant = variantNamed('naive', gpu.device, gpu.info)!;
  const wanted = await short();
  gpu.variant = own;
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = largestError(got, { value: Float64Array.from(wanted), scale: new Float64Array(wanted.length).fill(largest) });
  if (!(error <= tolerance)) context.wrong(`a sample by the ${own.variant} kernels is off by ${error.toExponential(1)} of the naive kernels' largest value`);

  const take = async (count: number): Promise<number> => {
    const start = performance.now();
    await sample(model, { shape: [1, samples], steps: count, seed: 1 });
    return (performance.now() - start) / 1000;
  };
  // The first one compiles as well; where it is slow already, it has to do.
  const first = await take(1);
  const few = first * tried < context.left ? Math.min(tried, steps) : 1;
  const perStep = few === 1 ? first : (await take(few)) / few;
  const fits = perStep * steps < context.left;
  const seconds = fits ? await take(steps) : perStep * steps;
  context.row('sampling', {
    preset: context.sizes.preset, samples, steps, seconds, extrapolated: !fits, variant: own.variant, tile: own.tile, error,
  });
  context.line(
    `${samples.toLocaleString('en')} samples (${digits(samples / config.sampleRate)} s of sound) in ${steps} steps: ${digits(seconds)} s` +
    (fits ? '' : `, extrapolated from ${few} steps`));
};
