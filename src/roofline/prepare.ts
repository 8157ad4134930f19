/** Checks a kernel against the reference on a small shape, and only then prepares it for timing on a large one. */
import { building } from '../building.ts';
import { Executable } from '../autograd/executable.ts';
import { planTape } from '../autograd/plan.ts';
import type { Operation } from '../autograd/operation.ts';
import { Tape } from '../autograd/tape.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import { kernelName } from '../gpu/wgsl/kernels.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import type { KernelCase } from '../verify/case.ts';
import { checkVariant, variantsOf } from '../verify/run.ts';
import type { Work } from './measure.ts';
import { repeat } from './probes.ts';
import type { KernelBench, Shape } from './bench.ts';
import { checkedShape } from './bench.ts';

/** Throws with what is wrong unless all results of the case are right, forward and backward. */
export async function throwIfWrong(gpu: Gpu, kernelCase: KernelCase, variant: VariantSettings): Promise<void> {
  const failed = (await checkVariant(gpu, kernelCase, variant)).filter(({ ok }) => !ok);
  if (failed.length === 0) return;
  const shown = failed.map(({ direction, error, tolerance }) => `${direction}: error ${error} of ${tolerance}`);
  throw new Error(`wrong, so not timed: ${kernelCase.stem} ${kernelCase.name} · ${variant.variant}: ${shown.join('; ')}`);
}

/** The variants that have kernels of their own for this bench, of those the adapter can run. */
export function variantsFor(gpu: Gpu, bench: KernelBench, shape: Shape): VariantSettings[] {
  const seen = new Set<string>();
  return variantsOf(gpu).filter((variant) => {
    const { operations } = record(bench, checkedShape(shape), variant);
    const kernels = operations.map(({ kernel }) => kernelName(kernel)).join();
    return !seen.has(kernels) && seen.add(kernels);
  });
}

/** The bench's dispatches at `shape`, with memory and random numbers in it, until they are disposed of. */
export async function prepareWork(gpu: Gpu, bench: KernelBench, { shape, variant }: {
  shape: Shape; variant: VariantSettings;
}): Promise<{ work: Work; dispatches: number } & Disposable> {
  const { tape, operations, start, inputs, runs } = record(bench, shape, variant);
  const executable = await building(async (undo) => {
    const built = await Executable.build(gpu, planTape(tape));
    undo(() => built.destroy());
    for (const tensor of inputs) built.write(tensor, randomNumbers(tensor.length));
    built.run(runs?.[0]); // what the measured part reads is there, the step uniforms too
    return built;
  });
  const range = { start, end: start + operations.length };
  return {
    work: {
      encode: (times) => repeat(executable.program, times, range),
      flops: bench.flops(shape),
      bytes: 4 * bench.numbers(shape),
    },
    dispatches: operations.length,
    [Symbol.dispose]: () => executable.destroy(),
  };
}

/** Records the whole tape; `operations` are those of the wanted direction, which begin at `start`. */
function record(bench: KernelBench, shape: Shape, variant: VariantSettings) {
  const kernelCase = bench.make(shape);
  const wanted = bench.gradients ?? [];
  const tape = new Tape({ variant });
  const tensors = Object.fromEntries(Object.entries(kernelCase.inputs).map(([name, { shape: size }]) =>
    [name, tape.input(name, size, { gradient: wanted.includes(name) })]));
  const outputs = Object.entries(kernelCase.record(tape, tensors));
  const start = wanted.length > 0 ? tape.operations.length : 0;
  const seeds = wanted.length > 0
    ? outputs.map(([name, of]) => ({ of, gradient: tape.input(`d ${name}`, of.shape) }))
    : [];
  if (seeds.length > 0) tape.backward(seeds[0]!.of, ...seeds);
  for (const [, output] of outputs) tape.keep(output);
  return {
    tape,
    operations: tape.operations.slice(start) as readonly Operation[],
    start,
    inputs: [...Object.values(tensors), ...seeds.map(({ gradient }) => gradient)],
    runs: kernelCase.runs,
  };
}

/** Uniform in [0, 1), by the generator of Numerical Recipes (2007, §7.1, "quick and dirty"): zeros would be faster. */
function randomNumbers(length: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 32;
  }
  return values;
}
