/** Which sizes of the tile kernels are fastest here. */
import { presetNamed } from '../../../src/diffwave/presets.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { isTunable } from '../../../src/tuning/tuned.ts';
import { gainOf, tune } from '../../../src/tuning/tuning.ts';
import { trialTable, tuningLine } from '../../../scripts/lib/adapter/tuningReport.ts';
import type { Part } from '../part.ts';

/** A software adapter only shows that tuning runs at all. */
const smallOptions = { rows: 64, budget: 0 };

export const tuning: Part = async (context) => {
  const { gpu } = await context.machine();
  const { model } = presetNamed(context.sizes.preset);
  const tunable = isTunable(gpu, model);
  if ((!tunable && !context.small) || !variantNamed('tile', gpu.device, gpu.info)) {
    context.absent(`this adapter has the ${gpu.variant.variant} kernels, which have one size`);
    return;
  }
  const found = await tune(gpu, model, context.small ? smallOptions : {});
  const { trials, best, seconds } = found;
  for (const trial of trials) context.row('tuning', { preset: context.sizes.preset, ...trial, chosen: trial === best });
  context.row('tuned', { preset: context.sizes.preset, tile: best?.tile ?? null, gain: gainOf(found) ?? null, seconds });
  context.details(trialTable(found));
  context.line(tuningLine(found));
  if (!best) context.wrong(`no tile kernels pass: ${trials[0]?.refused}`);
  else if (tunable) context.useTile(best.tile);
};
