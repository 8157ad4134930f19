/** Where a program's time goes: one pass for each dispatch, added up by kernel. */
import type { Operation } from '../../src/autograd/operation.ts';
import type { Executable } from '../../src/autograd/executable.ts';
import type { Machine } from './machine.ts';
import { median } from '../../src/statistics.ts';

export interface BreakdownRow {
  readonly kernel: string;
  readonly dispatches: number;
  readonly seconds: number;
  /** Of the sum over all kernels. */
  readonly share: number;
}

export interface Breakdown {
  /** The longest first. */
  readonly rows: readonly BreakdownRow[];
  /** Seconds of all dispatches, timed one by one. */
  readonly sum: number;
  /** Seconds of the whole program in one pass, timed beside. */
  readonly whole: number;
  /** Their ratio, the median of that of measurements directly after each other: 1 where nothing is missing. */
  readonly accounted: number;
}

/** `conv1d.broadcast GATE`: the shader, its entry unless that is `forward`, and what it is asked to do with its sums. */
export function kernelLabel({ kernel }: Pick<Operation, 'kernel'>): string {
  const { shader, entry, constants = {} } = kernel;
  const tasks = ['PLAIN', 'GATE', 'RESIDUAL', 'LAYER', 'GATE_GRADIENT', 'STEP_GRADIENT'].filter((name) => constants[name] === 1);
  return [entry === 'forward' ? shader : `${shader} ${entry}`, ...tasks].join(' ');
}

/** Adds up the seconds of dispatches by kernel. */
export function breakdownOf(operations: readonly Pick<Operation, 'kernel'>[], seconds: readonly number[]): BreakdownRow[] {
  if (operations.length !== seconds.length) throw new RangeError(`${seconds.length} times for ${operations.length} dispatches`);
  const sum = seconds.reduce((a, b) => a + b, 0);
  const byKernel = new Map<string, { dispatches: number; seconds: number }>();
  operations.forEach((operation, i) => {
    const label = kernelLabel(operation);
    const known = byKernel.get(label) ?? { dispatches: 0, seconds: 0 };
    byKernel.set(label, { dispatches: known.dispatches + 1, seconds: known.seconds + seconds[i]! });
  });
  return [...byKernel]
    .map(([kernel, row]) => ({ kernel, ...row, share: row.seconds / sum }))
    .sort((a, b) => b.seconds - a.seconds);
}

/** Times a program that has run before, dispatch by dispatch and as a whole; medians of `repetitions`. */
export async function measureBreakdown(machine: Machine, { program, plan }: Executable, { repetitions = 5 } = {}): Promise<Breakdown> {
  const single = plan.operations.map((_, i) => (pass: GPUComputePassEncoder) => program.encode(pass, { start: i, end: i + 1 }));
  const wholes: number[] = [];
  const singles: number[][] = [];
  for (let i = 0; i < repetitions; i++) {
    wholes.push(...(await machine.stopwatch.time([(pass) => program.encode(pass)])));
    singles.push(await machine.stopwatch.time(single));
  }
  const seconds = plan.operations.map((_, i) => median(singles.map((times) => times[i]!)));
  const sums = singles.map((times) => times.reduce((a, b) => a + b, 0));
  const accounted = median(sums.map((sum, i) => sum / wholes[i]!));
  return { rows: breakdownOf(plan.operations, seconds), sum: median(sums), whole: median(wholes), accounted };
}
