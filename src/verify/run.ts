/**
 * Runs a case on the GPU and compares. Every tensor has its own memory with guard elements behind it; everything that
 * kernels must write is NaN before a run; every run is made twice and must give the same bits. Each gradient is asked
 * for twice, too: alone, and with another reader of the input that has put its share there before.
 */
import { Executable } from '../autograd/executable.ts';
import { planTape } from '../autograd/plan.ts';
import { Parameters } from '../autograd/parameters.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import { kernelName } from '../gpu/wgsl/kernels.ts';
import type { Variant, VariantSettings } from '../gpu/device/variant.ts';
import { variantNamed } from '../gpu/device/variant.ts';
import { scale } from '../ops/scale.ts';
import type { Expected, KernelCase } from './case.ts';
import { roundingError } from './case.ts';
import { added, parameterSpecs, prepare, recordCase } from './prepared.ts';

/** A line of the report. */
export interface Row {
  /** The operation, or the golden file. */
  readonly subject: string;
  readonly name: string;
  /** What was compared: an output, a gradient, or a property of the run. */
  readonly direction: string;
  /** The largest error, in units of the tolerance's scale; infinite for NaN. */
  readonly error: number;
  readonly tolerance: number;
  readonly ok: boolean;
}

/** Bytes behind every tensor that must survive. */
const guardBytes = 256;

/** Factor of the second reader of every input: y = 1.5·x, recorded after the operation, so its gradient comes first. */
const secondFactor = 1.5;

/** Its product, the sum with the operation's share, and the rounding of that share, which was not stored before. */
const secondRoundings = 3;

/** The variants of kernels that this adapter can run, `naive` first, and `matrix` where it was opened for it. */
export function variantsOf({ device, info, matrix }: Gpu): VariantSettings[] {
  const all: readonly Variant[] = ['naive', 'tile', 'broadcast'];
  const usual = all.map((name) => variantNamed(name, device, info)).filter((settings) => settings !== undefined);
  return typeof matrix === 'string' ? usual : [...usual, matrix];
}

/**
 * Checks one case: a row for every output and gradient, and one each for repetition and guards. Where its kernels come
 * in variants, also for each of `variants` that has kernels of its own for these sizes; by default the adapter's.
 */
export async function checkCase(gpu: Gpu, kernelCase: KernelCase, variants = [gpu.variant]): Promise<Row[]> {
  const [naive] = variantsOf(gpu);
  if (kernelCase.precision === 'mixed') return checkMixed(gpu, kernelCase, variants);
  const rows = await checkVariant(gpu, kernelCase, naive!);
  const kernels = kernelsOf(kernelCase, naive!);
  for (const variant of kernelCase.hasVariants ? variants : []) {
    if (kernelsOf(kernelCase, variant) === kernels) continue;
    const name = `${kernelCase.name} · ${variant.variant}`;
    rows.push(...(await checkVariant(gpu, { ...kernelCase, name }, variant)));
  }
  return rows;
}

/** A case in f16: for each of `variants` that has kernels for it. Where none can be run, a row says so. */
async function checkMixed(gpu: Gpu, kernelCase: KernelCase, variants: readonly VariantSettings[]): Promise<Row[]> {
  const { stem: subject } = kernelCase;
  const fast = gpu.device.features.has('shader-f16') ? variants.filter(({ variant }) => variant !== 'naive') : [];
  if (fast.length === 0) return [{ subject, name: kernelCase.name, direction: 'no f16 here', error: 0, tolerance: 0, ok: true }];
  const rows: Row[] = [];
  for (const variant of fast) {
    rows.push(...(await checkVariant(gpu, { ...kernelCase, name: `${kernelCase.name} · ${variant.variant}` }, variant)));
  }
  return rows;
}

/** The same with one variant only. */
export async function checkVariant(gpu: Gpu, kernelCase: KernelCase, variant: VariantSettings): Promise<Row[]> {
  const alone = await compute(gpu, kernelCase, variant);
  const outcomes = [alone];
  const shared = alone.gradients.filter((name) => !kernelCase.inputs[name]!.soleReader);
  if (shared.length > 0) outcomes.push(await compute(gpu, withSecondReaders(kernelCase, shared), variant));
  const { stem: subject, name } = kernelCase;
  const changed = outcomes.reduce((sum, outcome) => sum + outcome.changed, 0);
  const guards = outcomes.flatMap(({ overwritten }) => overwritten);
  const overwritten = guards.reduce((sum, { elements }) => sum + elements, 0);
  const guarded = ['guards', ...new Set(guards.map((guard) => `behind ${guard.name}`))].join(' ');
  return [
    ...alone.rows,
    ...outcomes.slice(1).flatMap(({ rows }) => rows.filter(({ direction }) => direction.endsWith(added))),
    { subject, name, direction: 'repeat', error: changed, tolerance: 0, ok: changed === 0 },
    { subject, name, direction: guarded, error: overwritten, tolerance: 0, ok: overwritten === 0 },
  ];
}

/** The largest |got − value| in units of `scale`; infinite where one is not a number or `scale` allows nothing. */
export function largestError(got: ArrayLike<number>, { value, scale }: Omit<Expected, 'tolerance'>): number {
  if (got.length !== value.length) throw new Error(`got ${got.length} numbers, wanted ${value.length}`);
  let worst = 0;
  for (let i = 0; i < value.length; i++) {
    const error = Math.abs(got[i]! - value[i]!);
    if (error === 0) continue;
    const relative = error / scale[i]!;
    worst = Math.max(worst, Number.isFinite(relative) ? relative : Infinity);
  }
  return worst;
}

interface Outcome {
  readonly rows: Row[];
  /** Inputs in which the operation has a gradient. */
  readonly gradients: string[];
  /** Elements that had other bits in the second run. */
  readonly changed: number;
  readonly overwritten: { readonly name: string; readonly elements: number }[];
}

async function compute(gpu: Gpu, kernelCase: KernelCase, variant: VariantSettings): Promise<Outcome> {
  const { stem: subject, name } = kernelCase;
  using parameters = new Parameters(gpu, parameterSpecs(kernelCase));
  const { tape, inputs, results, expected } = prepare(kernelCase, variant, parameters);
  const executable = await Executable.build(gpu, planTape(tape, { guardBytes }));
  try {
    const run = async (): Promise<Map<string, Float32Array>> => {
      poison(gpu, executable, inputs);
      for (const [tensor, values] of inputs) executable.write(tensor, values);
      for (const values of kernelCase.runs ?? [{}]) executable.run(values);
      const read = new Map<string, Float32Array>();
      for (const [direction, tensor] of results) read.set(direction, await executable.read(tensor));
      return read;
    };
    const first = await run();
    const second = await run();
    const directions = [...results.keys()];
    return {
      rows: directions.map((direction): Row => {
        const { tolerance, ...wanted } = expected[direction]!;
        const error = largestError(first.get(direction)!, wanted);
        return { subject, name, direction, error, tolerance, ok: error <= tolerance };
      }),
      gradients: Object.keys(kernelCase.inputs).filter((input) => `d ${input}` in expected),
      changed: directions.reduce((sum, key) => sum + differingBits(first.get(key)!, second.get(key)!), 0),
      overwritten: await executable.overwrittenGuards(),
    };
  } finally {
    executable.destroy();
  }
}

/** Names of the kernels that a case runs. */
function kernelsOf(kernelCase: KernelCase, variant: VariantSettings): string {
  return recordCase(kernelCase, variant).tape.operations.map(({ kernel }) => kernelName(kernel)).join('\n');
}

/** The case with one more reader, 1.5·x, of each of `names`: to the gradient in x comes 1.5 times that reader's. */
export function withSecondReaders(kernelCase: KernelCase, names: readonly string[]): KernelCase {
  const readerOf = (name: string): string => `reader of ${name}`;
  const rounding = roundingError(secondRoundings);
  return {
    ...kernelCase,
    record(tape, inputs) {
      const outputs = kernelCase.record(tape, inputs);
      const readers = names.map((name) => [readerOf(name), scale(tape, inputs[name]!, secondFactor)]);
      return { ...outputs, ...Object.fromEntries(readers) };
    },
    expected(given, staging) {
      const expected = { ...kernelCase.expected(given, staging) };
      for (const name of names) {
        const { value, scale, tolerance } = expected[`d ${name}`]!;
        const share = given[`d ${readerOf(name)}`]!.map((dy) => secondFactor * dy);
        const allowed = scale.map((own, i) => tolerance * own + rounding * (Math.abs(value[i]!) + Math.abs(share[i]!)));
        delete expected[`d ${name}`];
        expected[`d ${name}${added}`] = {
          value: value.map((own, i) => own + share[i]!),
          scale: allowed.map((error) => error / (tolerance + rounding)),
          tolerance: tolerance + rounding,
        };
        const y = given[name]!.map((x) => secondFactor * x);
        expected[readerOf(name)] = { value: y, scale: y.map(Math.abs), tolerance: rounding };
      }
      return expected;
    },
  };
}

/** NaN into everything that the kernels write, apart from inputs that they update. */
function poison(gpu: Gpu, executable: Executable, inputs: ReadonlyMap<Tensor, unknown>): void {
  const kept = new Set([...inputs.keys()].map((tensor) => tensor.storage));
  for (const { writes } of executable.plan.operations) {
    for (const tensor of Object.values(writes)) {
      if (kept.has(tensor.storage)) continue;
      const { buffer, offset } = executable.range(tensor);
      const nan = tensor.dtype === 'f16' ? 0x7e00_7e00 : 0x7fc0_0000; // two of f16, one of float32
      gpu.device.queue.writeBuffer(buffer, offset, new Uint32Array(Math.ceil(tensor.bytes / 4)).fill(nan));
    }
  }
}

function differingBits(a: Float32Array, b: Float32Array): number {
  const [wordsA, wordsB] = [a, b].map(({ buffer }) => new Uint32Array(buffer));
  return wordsA!.reduce((count, word, i) => count + Number(word !== wordsB![i]), 0);
}
