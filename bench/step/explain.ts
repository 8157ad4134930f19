/** `npm run bench:step -- --explain PRESET`: a training step kernel by kernel, by arithmetic alone. */
import { readFile } from 'node:fs/promises';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { kernelLabel } from '../lib/breakdown.ts';
import { forwardFlops } from '../../src/roofline/flops.ts';
import { digits, percent, table } from '../lib/report.ts';
import type { Sizes } from '../lib/work.ts';
import { configured } from '../lib/work.ts';
import type { Shape } from './gpus.ts';
import { estimate, gpuModels, isTooNarrow, lanesToFill, occupancy, residentGroups, shortEnough } from './gpus.ts';
import type { KernelWork, Recorded } from './kernelWork.ts';
import { workOf } from './kernelWork.ts';
import { stepOnPaper } from './paper.ts';
import { kernelFacts } from './shaderText.ts';

/** Dispatches of one form: the same kernel by name, with the same grid and the same work. */
export interface ExplainedRow {
  readonly kernel: string;
  readonly dispatches: number;
  /** Of one dispatch. */
  readonly shape: Shape;
  readonly work: KernelWork;
  /** Seconds of one dispatch, by GPU. */
  readonly seconds: readonly number[];
  /** Too few invocations for what it does. */
  readonly marked: boolean;
}

/** Groups dispatches by form, the form that takes longest on the first of `gpuModels` in front. */
export async function explainOperations(operations: readonly Recorded[], readShader = shaderText): Promise<ExplainedRow[]> {
  const rows = new Map<string, ExplainedRow>();
  for (const operation of operations) {
    const { kernel, workgroups } = operation;
    const facts = kernelFacts(kernel.source ?? (await readShader(kernel.shader)), kernel);
    const shape = { workgroups, ...facts };
    const work = workOf(operation);
    const name = formLabel(operation);
    const key = JSON.stringify([name, shape, work]); // the first and the last layer read less than the others
    const known = rows.get(key);
    if (known) {
      rows.set(key, { ...known, dispatches: known.dispatches + 1 });
      continue;
    }
    const seconds = gpuModels.map((gpu) => estimate(work, shape, gpu));
    rows.set(key, { kernel: name, dispatches: 1, shape, work, seconds, marked: isTooNarrow(work, shape) });
  }
  return [...rows.values()].sort((a, b) => b.dispatches * b.seconds[0]! - a.dispatches * a.seconds[0]!);
}

/** 'weightGradient.tile PAIR 3×64→128': what it loads and where the layer is, K, Cin and Cout where it has them. */
function formLabel(operation: Recorded): string {
  const { constants = {} } = operation.kernel;
  const flags = ['STEP', 'PAIR', 'MASKED', 'FIRST', 'LAST'].filter((flag) => constants[flag] === 1);
  const sizes = constants.OUTPUTS !== undefined
    ? [`${constants.TAPS}×${4 * Number(constants.INPUTS)}→${4 * Number(constants.OUTPUTS)}`]
    : constants.INPUTS !== undefined ? [`${constants.TAPS}×${4 * Number(constants.INPUTS)}`] : [];
  return [kernelLabel(operation), ...flags, ...sizes].join(' ');
}

export function shaderText(stem: string): Promise<string> {
  return readFile(new URL(`../../shaders/${stem}.wgsl`, import.meta.url), 'utf8');
}

/** The whole answer to `--explain`, as text. */
export async function explain(sizes: Sizes, precision: TrainingConfig['precision'] = 'float32'): Promise<string> {
  const rows = await explainOperations(stepOnPaper(sizes, { training: { precision } }));
  const { model } = configured(sizes);
  const dispatches = rows.reduce((sum, row) => sum + row.dispatches, 0);
  const total = (of: (row: ExplainedRow) => number): number => rows.reduce((sum, row) => sum + row.dispatches * of(row), 0);
  const marked = rows.filter((row) => row.marked);
  const unknown = [...new Set(rows.filter(({ work }) => !work.known).map(({ kernel }) => kernel))];
  return [
    `training step of ${sizes.preset}, B ${sizes.B}, L ${sizes.L}, ${precision}, kernels of the default sizes, on paper: ` +
      `${dispatches} dispatches, ${digits(total(({ work }) => work.flops) / 1e9)} GFLOP ` +
      `(network: ${digits((3 * forwardFlops(model) * sizes.B * sizes.L) / 1e9)}), ${digits(total(({ work }) => work.bytes) / 1e9)} GB`,
    '',
    table(
      ['', 'kernel', 'dispatches', 'GFLOP', 'MB', 'staged MB', 'workgroups', '× threads', '= all', 'workgroup B', 'registers', 'H100 µs', 'all µs'],
      rows.map(({ kernel, dispatches: count, shape, work, seconds, marked: mark }) => [
        mark ? '!' : '', kernel, String(count), digits(work.flops / 1e9), digits(work.bytes / 1e6), digits(work.staged / 1e6), String(shape.workgroups),
        String(shape.threads), String(shape.workgroups * shape.threads), String(shape.workgroupBytes), String(shape.registers),
        digits(seconds[0]! * 1e6), digits(count * seconds[0]! * 1e6),
      ])),
    '',
    table(
      ['occupancy | all µs', ...gpuModels.flatMap(({ name }) => [name, ''])],
      rows.map(({ kernel, dispatches: count, shape, seconds }) => [kernel, ...gpuModels.flatMap((gpu, i) => [
        residentGroups(shape, gpu) === 0 ? 'does not fit' : `${percent(occupancy(shape, gpu))}${shape.registers > gpu.mostRegisters ? ' spills' : ''}`,
        digits(count * seconds[i]! * 1e6),
      ])])),
    '',
    `whole step by this arithmetic: ${gpuModels.map(({ name }, i) => `${name} ${digits(total(({ seconds }) => seconds[i]!) * 1e3)} ms`).join(', ')}`,
    marked.length === 0
      ? `no kernel has fewer than ${lanesToFill} threads without being done in ${shortEnough * 1e6} µs`
      : `! ${marked.length} forms (${marked.reduce((sum, row) => sum + row.dispatches, 0)} dispatches) have fewer than ${lanesToFill} threads ` +
        `and take ${shortEnough * 1e6} µs or more on an H100`,
    ...(unknown.length > 0 ? [`not known to bench/step/kernelWork.ts, so guessed: ${unknown.join(', ')}`] : []),
    '',
    ...legend,
  ].join('\n');
}

const legend: readonly string[] = [
  'How: FLOP and bytes from the shapes, every operand read or written once. A dispatch takes the longest of',
  '  FLOP / (peak · share of lanes that ⌈workgroups/units⌉ workgroups of a unit keep busy),',
  '  bytes / min(bandwidth, threads at once · 64 B / latency), what workgroups stage / bandwidth of the cache, and waits · latency, the waits being a quarter of a thread\'s loads,',
  '  or the turns with barriers in each round of resident workgroups; and the start of a dispatch. Registers are the variables in scope, in 32-bit words, and 16;',
  '  occupancy is what threads, workgroup memory and registers of a unit allow. Nothing here is measured. Assumed:',
  ...gpuModels.map(({ name, units, lanes, threads, memory, registers, flops, matrixFlops, bandwidth, cacheBandwidth, latency, start }) =>
    `  ${name}: ${units} units of ${lanes} lanes, ${threads} threads, ${memory / 1024} KiB, ${registers} registers; ` +
    `${digits(flops / 1e12)} TFLOP/s${matrixFlops === undefined ? '' : ` (${digits(matrixFlops / 1e12)} by matrices)`}, ${digits(bandwidth / 1e9)} GB/s, ${digits(cacheBandwidth / 1e9)} from the cache; ${latency * 1e6} µs latency, ${start * 1e6} µs start`),
];
