/** `npm run bench`: every kernel in every variant, checked, then timed between probes. */
import { UserError } from '../src/errors.ts';
import { command } from '../scripts/lib/cli/command.ts';
import type { Shape } from '../src/roofline/bench.ts';
import { usualShape } from '../src/roofline/bench.ts';
import type { KernelRow } from '../src/roofline/kernels.ts';
import { kernelBenches, timeKernels } from '../src/roofline/kernels.ts';
import { openMachine } from './lib/machine.ts';
import { appendResults, digits, percent, provenance, table } from './lib/report.ts';

await command({
  name: 'bench',
  summary: 'times every kernel in every variant against what the adapter can do',
  flags: {
    filter: { type: 'string', placeholder: '<text>', default: '', help: 'only kernels with this in their name' },
    variant: { type: 'string', choices: ['naive', 'tile', 'broadcast'], help: 'only this variant' },
    shape: { type: 'string', placeholder: '<B,L,C,K,D>', help: `batch, samples, channels, taps, dilation (default ${Object.values(usualShape).join()})` },
    repetitions: { type: 'integer', default: 7, min: 3, help: 'measurements of each' },
    json: { type: 'boolean', help: 'print rows of JSON instead of a table' },
  },
}).does(async ({ flags }) => {
  const chosen = kernelBenches.filter(({ name }) => name.includes(flags.filter));
  if (chosen.length === 0) throw new UserError(`--filter ${flags.filter} leaves nothing of ${kernelBenches.map(({ name }) => name).join(', ')}`);
  const shape = flags.shape ? parseShape(flags.shape) : usualShape;
  const machine = await openMachine();
  const { gpu } = machine;
  if (!flags.json) console.log(`${gpu.describe()}\ntimed by  ${machine.stopwatch.source}\n`);

  const rows: KernelRow[] = [];
  let wrong = 0;
  for await (const row of timeKernels(machine, { benches: chosen, shape, repetitions: flags.repetitions, isWanted: (variant) => !flags.variant || variant === flags.variant })) {
    if (row instanceof Error) {
      wrong++;
      console.error(row.message);
      continue;
    }
    rows.push(row);
    if (flags.json) console.log(JSON.stringify({ ...row, ...provenance(gpu) }));
    else process.stderr.write(`  ${row.kernel} · ${row.variant}: ${percent(row.ofRoofline)} of the roofline\n`);
  }
  if (rows.length === 0 && wrong === 0) throw new UserError(`no kernel has a variant '${flags.variant}' on this adapter`);
  if (rows.length > 0) {
    const path = appendResults(gpu, 'kernel', rows);
    if (!flags.json) console.log(`${show(rows)}\n\n${rows.length} rows appended to ${path}`);
  }
  return wrong > 0 ? 1 : 0;
}).run();

function parseShape(text: string): Shape {
  const sizes = text.split(',').map(Number);
  if (sizes.length !== 5 || !sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new UserError(`--shape must be five whole numbers B,L,C,K,D, got '${text}'`);
  }
  const [B, L, C, K, D] = sizes;
  if (K! % 2 === 0) throw new UserError(`--shape must have an odd K, got ${K}`);
  return { B: B!, L: L!, C: C!, K: K!, D: D! };
}

function show(rows: readonly KernelRow[]): string {
  const head = ['kernel', 'variant', 'shape', 'ms', 'p20', 'p80', 'GFLOP/s', 'GB/s', '% roofline', 'by CPU time', 'FMA probe', 'copy probe'];
  return table(head, rows.map((row) => [
    row.kernel, row.variant, row.shape,
    digits(row.median * 1e3), digits(row.p20 * 1e3), digits(row.p80 * 1e3),
    row.flopsPerSecond > 0 ? digits(row.flopsPerSecond / 1e9) : '–', digits(row.bytesPerSecond / 1e9),
    percent(row.ofRoofline), percent(row.ofRooflineCpu), digits(row.fmaProbe / 1e9), digits(row.copyProbe / 1e9),
  ]));
}
