/** Whether the adapter computes what it should: golden files, and every kernel in every variant that it can run. */
import { readFile } from 'node:fs/promises';
import { configured } from '../../lib/work.ts';
import { digits } from '../../lib/report.ts';
import { allCases } from '../../../src/verify/cases/all.ts';
import { compareWithNaive, fullCases } from '../../../src/verify/full.ts';
import { checkGolden } from '../../../src/verify/golden.ts';
import type { Row } from '../../../src/verify/run.ts';
import { checkCase, variantsOf } from '../../../src/verify/run.ts';
import type { Part, PartContext } from '../part.ts';

const goldenFiles = ['transformer-4x16', 'diffwave-6x8-l1'];

/** Kernels that the small size holds against float64: one that every variant has, and one that none has. */
const smallStems = ['scale', 'conv1d'];

export const golden: Part = async (context) => {
  const { gpu } = await context.machine();
  const files = context.small ? goldenFiles.slice(0, 1) : goldenFiles;
  for (const file of files) {
    const bytes = await readFile(new URL(`../../../test/golden/${file}.safetensors`, import.meta.url));
    for (const variant of context.small ? [gpu.variant] : [gpu.variant, ...othersOf(gpu)]) {
      tell(context, `${file} · ${variant.variant}`, await checkGolden(gpu, { bytes, file, variant }), 'golden');
    }
  }
};

export const verify: Part = async (context) => {
  const { gpu } = await context.machine();
  const { sizes } = context;
  const { model: config } = configured(sizes);
  const variants = [gpu.variant, ...othersOf(gpu)].filter(({ variant }) => variant !== 'naive');
  // At real shapes first: that is where a GPU has been least. Cases with the variant's kernels, the adapter's own in front.
  for (const variant of context.small ? variants.slice(0, 1) : variants) {
    const cases = fullCases(config, sizes).filter(({ hasVariants }) => hasVariants || variant === gpu.variant);
    for (const kernelCase of context.small ? cases.slice(0, 2) : cases) {
      tell(context, kernelCase.name, await compareWithNaive(gpu, kernelCase, { config, sizes, variant }), 'verify');
    }
  }
  const cases = context.small
    ? smallStems.map((wanted) => allCases.find(({ stem }) => stem === wanted)!)
    : [...allCases].sort((a, b) => Number(b.hasVariants ?? false) - Number(a.hasVariants ?? false));
  for (const kernelCase of cases) tell(context, kernelCase.name, await checkCase(gpu, kernelCase, variants), 'verify');
};

/** Variants that this adapter can run beside its own. */
function othersOf(gpu: Parameters<typeof variantsOf>[0]): ReturnType<typeof variantsOf> {
  return variantsOf(gpu).filter(({ variant }) => variant !== gpu.variant.variant);
}

/** A row for a case, and a line for everything in it that is wrong. */
function tell(context: PartContext, name: string, rows: readonly Row[], bench: string): void {
  const wrong = rows.filter(({ ok }) => !ok);
  const worst = rows.reduce((most, { error, tolerance }) => Math.max(most, tolerance > 0 ? error / tolerance : 0), 0);
  for (const { subject, name: what, direction, error, tolerance } of wrong) {
    context.wrong(`${subject} ${what}, ${direction}: off by ${error.toExponential(1)}, allowed ${tolerance.toExponential(1)}`);
  }
  context.row(bench, {
    case: name, lines: rows.length, wrong: wrong.length, ofTolerance: Number.isFinite(worst) ? worst : null,
  });
  context.details(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${rows.length} lines, at most ${digits(100 * worst)} % of the tolerance`);
}
