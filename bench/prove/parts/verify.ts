/** Whether the adapter computes what it should: golden files, and every kernel in every variant that it can run. */
import { readFile } from 'node:fs/promises';
import { configured } from '../../lib/work.ts';
import { digits } from '../../lib/report.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { VariantSettings } from '../../../src/gpu/device/variant.ts';
import { allCases } from '../../../src/verify/cases/all.ts';
import { compareWithNaive, fullCases } from '../../../src/verify/full.ts';
import { checkGolden } from '../../../src/verify/golden.ts';
import type { Row } from '../../../src/verify/run.ts';
import { checkCase, variantsOf } from '../../../src/verify/run.ts';
import type { Part, PartContext } from '../part.ts';

const goldenFiles = ['transformer-4x16', 'diffwave-6x8-l1', 'diffwave-labels-5x8', 'diffwave-mel-6x8'];

/** Kernels that the small size holds against float64: quick to compile. */
const smallStems = ['scale', 'reduce'];

export const golden: Part = async (context) => {
  const { gpu } = await context.machine();
  const files = context.small ? goldenFiles.slice(0, 1) : goldenFiles;
  const variants = context.small ? [gpu.variant] : [gpu.variant, ...othersOf(gpu)];
  await inTime(context, 'golden', variants.flatMap((variant) => files.map((file) => ({
    name: `${file} · ${variant.variant}`,
    async check() {
      const bytes = await readFile(new URL(`../../../test/golden/${file}.safetensors`, import.meta.url));
      return checkGolden(gpu, { bytes, file, variant });
    },
  }))));
};

export const verify: Part = async (context) => {
  const { gpu } = await context.machine();
  await verifyVariants(context, gpu, [gpu.variant, ...othersOf(gpu)].filter(({ variant }) => variant !== 'naive'));
};

/** The kernels of subgroup matrices, by themselves. */
export const verifyMatrix: Part = async (context) => {
  const { gpu } = await context.machine({ matrices: true });
  if (typeof gpu.matrix === 'string') return context.absent(`not on this adapter: ${gpu.matrix}`);
  await verifyVariants(context, gpu, [gpu.matrix]);
};

/** Holds variants against naive at real shapes, and against float64 in all cases, as far as there is time. */
export async function verifyVariants(context: PartContext, gpu: Gpu, variants: VariantSettings[]): Promise<void> {
  const { sizes } = context;
  const { model: config } = configured(sizes);
  // At real shapes first: that is where a GPU has been least. Then the cases with variants.
  const full = variants.flatMap((variant) => fullCases(config, sizes)
    .filter(({ hasVariants }) => hasVariants || variant === gpu.variant)
    .map((kernelCase) => ({
      name: `${kernelCase.stem} ${kernelCase.name} · ${variant.variant}`,
      check: () => compareWithNaive(gpu, kernelCase, { config, sizes, variant }),
    })));
  const cases = [...allCases].sort((a, b) => Number(b.hasVariants ?? false) - Number(a.hasVariants ?? false))
    .filter(({ stem }) => !context.small || smallStems.includes(stem))
    .map((kernelCase) => ({ name: `${kernelCase.stem} ${kernelCase.name}`, check: () => checkCase(gpu, kernelCase, variants) }));
  const few = <T>(all: T[]): T[] => (context.small ? all.slice(0, 2) : all);
  await inTime(context, 'verify', [...few(full), ...few(cases)]);
}

/** Cases of a row, at most, and seconds after which it is written: a row a case would be hundreds with the same adapter in them. */
const together = { cases: 25, seconds: 5 };

/** Does the checks one after the other as long as there is time. */
async function inTime(context: PartContext, bench: string, checks: readonly { name: string; check: () => Promise<Row[]> }[]): Promise<void> {
  let [done, lines, wrong, longest] = [0, 0, 0, 0];
  let cases: object[] = [];
  let written = performance.now();
  const write = (): void => {
    if (cases.length > 0) context.row(bench, { cases });
    cases = [];
    written = performance.now();
  };
  for (const { name, check } of checks) {
    if (context.left < longest) {
      context.unfinished(`${checks.length - done} of ${checks.length} cases did not fit into the time`);
      break;
    }
    const start = performance.now();
    const rows = await check();
    longest = Math.max(longest, (performance.now() - start) / 1000);
    cases.push(tell(context, name, rows));
    if (cases.length >= together.cases || performance.now() - written > together.seconds * 1000) write();
    done++;
    lines += rows.length;
    wrong += rows.filter(({ ok }) => !ok).length;
  }
  write();
  context.line(`${done} of ${checks.length} cases, ${lines} comparisons: ${wrong === 0 ? 'all' : `all but ${wrong}`} within their tolerance`);
}

/** Variants that this adapter can run beside its own. */
function othersOf(gpu: Gpu): VariantSettings[] {
  return variantsOf(gpu).filter(({ variant }) => variant !== gpu.variant.variant);
}

/** A line for everything that is wrong in a case, and what to write down of it. */
function tell(context: PartContext, name: string, rows: readonly Row[]): object {
  const wrong = rows.filter(({ ok }) => !ok);
  const worst = rows.reduce((most, { error, tolerance }) => Math.max(most, tolerance > 0 ? error / tolerance : 0), 0);
  for (const { subject, name: what, direction, error, tolerance } of wrong) {
    context.wrong(`${subject} ${what}, ${direction}: off by ${error.toExponential(1)}, allowed ${tolerance.toExponential(1)}`);
  }
  context.details(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${rows.length} lines, at most ${digits(100 * worst)} % of the tolerance`);
  return { case: name, lines: rows.length, wrong: wrong.length, ofTolerance: Number.isFinite(worst) ? Number(worst.toPrecision(3)) : null };
}
