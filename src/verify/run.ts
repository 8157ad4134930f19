/**
 * Runs a case on the GPU and compares. Every tensor has its own memory with guard elements behind it; everything that
 * kernels must write is NaN before a run; every run is made twice and must give the same bits. Each gradient is asked
 * for twice, too: alone, and with another reader of the input that has put its share there before.
 */
import { Executable } from '../autograd/executable.ts';
import { planTape } from '../autograd/plan.ts';
import { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/device/gpu.ts';
import { kernelName } from '../gpu/wgsl/kernels.ts';
import type { Variant, VariantSettings } from '../gpu/device/variant.ts';
import { variantNamed } from '../gpu/device/variant.ts';
import { scale } from '../ops/scale.ts';
import { normals } from '../reference/random.ts';
import type { CaseInput, Expected, KernelCase } from './case.ts';
import { roundingError } from './case.ts';

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

/** The variants of kernels that this adapter can run, `naive` first. */
export function variantsOf({ device, info }: Gpu): VariantSettings[] {
  const all: readonly Variant[] = ['naive', 'tile', 'broadcast'];
  return all.map((name) => variantNamed(name, device, info)).filter((settings) => settings !== undefined);
}

/**
 * Checks one case: a row for every output and gradient, and one each for repetition and guards. Where its kernels come
 * in variants, also for each of `variants` that has kernels of its own for these sizes; by default the adapter's.
 */
export async function checkCase(gpu: Gpu, kernelCase: KernelCase, variants = [gpu.variant]): Promise<Row[]> {
  const [naive] = variantsOf(gpu);
  const rows = await checkVariant(gpu, kernelCase, naive);
  const kernels = kernelsOf(kernelCase, naive);
  for (const variant of kernelCase.hasVariants ? variants : []) {
    if (kernelsOf(kernelCase, variant) === kernels) continue;
    const name = `${kernelCase.name} · ${variant.variant}`;
    rows.push(...(await checkVariant(gpu, { ...kernelCase, name }, variant)));
  }
  return rows;
}

/** The same with one variant only. */
export async function checkVariant(gpu: Gpu, kernelCase: KernelCase, variant: VariantSettings): Promise<Row[]> {
  const alone = await compute(gpu, kernelCase, variant);
  const outcomes = [alone];
  const shared = alone.gradients.filter((name) => !kernelCase.inputs[name].soleReader);
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
    const error = Math.abs(got[i] - value[i]);
    if (error === 0) continue;
    const relative = error / scale[i];
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
  const { tape, inputs, results, expected } = prepare(kernelCase, variant);
  const executable = await Executable.build(gpu, planTape(tape, { guardBytes }));
  try {
    const run = async (): Promise<Map<string, Float32Array>> => {
      poison(executable, inputs);
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
        const { tolerance, ...wanted } = expected[direction];
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

/** Records operation and gradients, draws the values of all inputs, and finds a tensor for every expected result. */
function prepare(kernelCase: KernelCase, variant: VariantSettings) {
  const what = `${kernelCase.stem} ${kernelCase.name}`;
  const tape = new Tape({ variant });
  const tensors = Object.fromEntries(Object.entries(kernelCase.inputs).map(([name, { shape, gradient }]) =>
    [name, tape.input(name, shape, { gradient })]));
  const outputs = Object.entries(kernelCase.record(tape, tensors));
  const seeds = outputs
    .filter(([name, of]) => of.needsGradient && !kernelCase.unread?.includes(name))
    .map(([name, of]) => ({ name: `d ${name}`, of, gradient: tape.input(`d ${name}`, of.shape) }));
  if (seeds.length > 0) tape.backward(seeds[0].of, ...seeds);

  const inputs = new Map<Tensor, Float32Array<ArrayBuffer>>();
  const given: Record<string, Float64Array> = {};
  const named = [...Object.entries(tensors), ...seeds.map(({ name, gradient }): [string, Tensor] => [name, gradient])];
  named.forEach(([name, tensor], stream) => {
    const values = draw(tensor.length, { ...kernelCase.inputs[name], stream });
    inputs.set(tensor, values);
    given[name] = Float64Array.from(values);
  });

  const expected = kernelCase.expected(given);
  const results = new Map(outputs.map(([name, tensor]) => [name, tape.keep(tensor)]));
  for (const name of results.keys()) {
    if (!(name in expected)) throw new Error(`${what}: nothing is known about '${name}'`);
  }
  for (const direction of Object.keys(expected)) {
    if (results.has(direction)) continue;
    const gradient = tape.gradient(tensors[inputOf(direction)]);
    if (!gradient) throw new Error(`${what}: nothing computes '${direction}'`);
    results.set(direction, tape.keep(gradient));
  }
  return { tape, inputs, results, expected };
}

/** Names of the kernels that a case runs. */
function kernelsOf(kernelCase: KernelCase, variant: VariantSettings): string {
  return prepare(kernelCase, variant).tape.operations.map(({ kernel }) => kernelName(kernel)).join('\n');
}

/** Marks a gradient that was added to what is there. */
const added = ' +=';

/** `d x` and `d x +=` → `x`. */
function inputOf(direction: string): string {
  return direction.replace(/^d /, '').replace(added, '');
}

/** The case with one more reader, 1.5·x, of each of `names`: to the gradient in x comes 1.5 times that reader's. */
function withSecondReaders(kernelCase: KernelCase, names: readonly string[]): KernelCase {
  const readerOf = (name: string): string => `reader of ${name}`;
  const rounding = roundingError(secondRoundings);
  return {
    ...kernelCase,
    record(tape, inputs) {
      const outputs = kernelCase.record(tape, inputs);
      const readers = names.map((name) => [readerOf(name), scale(tape, inputs[name], secondFactor)]);
      return { ...outputs, ...Object.fromEntries(readers) };
    },
    expected(given) {
      const expected = { ...kernelCase.expected(given) };
      for (const name of names) {
        const { value, scale, tolerance } = expected[`d ${name}`];
        const share = given[`d ${readerOf(name)}`].map((dy) => secondFactor * dy);
        const allowed = scale.map((own, i) => tolerance * own + rounding * (Math.abs(value[i]) + Math.abs(share[i])));
        delete expected[`d ${name}`];
        expected[`d ${name}${added}`] = {
          value: value.map((own, i) => own + share[i]),
          scale: allowed.map((error) => error / (tolerance + rounding)),
          tolerance: tolerance + rounding,
        };
        const y = given[name].map((x) => secondFactor * x);
        expected[readerOf(name)] = { value: y, scale: y.map(Math.abs), tolerance: rounding };
      }
      return expected;
    },
  };
}

function draw(
  length: number,
  { values, factor = 1, edges = [], stream }: Partial<CaseInput> & { stream: number },
): Float32Array<ArrayBuffer> {
  const random = () => normals({ seed: 1, stream, step: 0, item: 0, length }).map((z) => factor * z);
  const drawn = Float32Array.from(values ?? random());
  drawn.set(edges.slice(0, length));
  return drawn;
}

/** NaN into everything that the kernels write, apart from inputs that they update. */
function poison(executable: Executable, inputs: ReadonlyMap<Tensor, unknown>): void {
  const kept = new Set([...inputs.keys()].map((tensor) => tensor.storage));
  for (const { writes } of executable.plan.operations) {
    for (const tensor of Object.values(writes)) {
      if (!kept.has(tensor.storage)) executable.write(tensor, new Float32Array(tensor.length).fill(NaN));
    }
  }
}

function differingBits(a: Float32Array, b: Float32Array): number {
  const [wordsA, wordsB] = [a, b].map(({ buffer }) => new Uint32Array(buffer));
  return wordsA.reduce((count, word, i) => count + Number(word !== wordsB[i]), 0);
}
