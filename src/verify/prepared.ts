/** A case on a tape, with values for all that it is given: what the checkers and the listings of kernels have in common. */
import type { ParameterSource, ParameterSpec } from '../autograd/parameters.ts';
import { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { elementsOf } from '../autograd/tensor.ts';
import type { BufferRange } from '../gpu/device/buffers.ts';
import { alignUp, bindingAlignment } from '../gpu/device/buffers.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import { normals } from '../reference/random.ts';
import type { CaseInput, KernelCase } from './case.ts';
import { stagingOf } from './case.ts';

/** A case on a tape, its gradients included. */
export interface Recorded {
  readonly tape: Tape;
  /** By name: inputs, outputs, and for an output `y` the gradient `d y` that comes in there. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly seeds: Readonly<Record<string, Tensor>>;
}

/** Records operation and gradients. `parameters` has the inputs that are parameters; for whoever only lists kernels, no memory. */
export function recordCase(kernelCase: KernelCase, variant: VariantSettings, parameters: ParameterSource = placesOnly(parameterSpecs(kernelCase))): Recorded {
  const { precision, keeps, gradientScale, maxUniformBytes = variant.maxUniformBytes, maxWorkgroupBytes = variant.maxWorkgroupBytes } = kernelCase;
  const tile = { ...variant.tile, prefetch: kernelCase.prefetch ?? variant.tile.prefetch };
  const tape = new Tape({ variant: { ...variant, maxUniformBytes, maxWorkgroupBytes, tile }, parameters, precision, keeps, gradientScale });
  const inputs = Object.fromEntries(Object.entries(kernelCase.inputs).map(([name, { shape, gradient, parameter }]) =>
    [name, parameter ? tape.parameter(name) : tape.input(name, shape, { gradient })]));
  const outputs = kernelCase.record(tape, inputs);
  const seeds = Object.entries(outputs)
    .filter(([name, of]) => of.needsGradient && !kernelCase.unread?.includes(name))
    .map(([name, of]) => ({ name: `d ${name}`, of, gradient: tape.input(`d ${name}`, of.shape) }));
  if (seeds.length > 0) tape.backward(seeds[0]!.of, ...seeds);
  return { tape, inputs, outputs, seeds: Object.fromEntries(seeds.map(({ name, gradient }) => [name, gradient])) };
}

/** Names and shapes of the inputs that are parameters. */
export function parameterSpecs({ inputs }: KernelCase): ParameterSpec[] {
  return Object.entries(inputs).filter(([, { parameter }]) => parameter).map(([name, { shape }]) => ({ name, shape }));
}

/** The places that parameters would have, without a GPU: enough to record and to plan. */
export function placesOnly(specs: readonly ParameterSpec[]): ParameterSource {
  const places = new Map<string, { shape: readonly number[]; range: BufferRange }>();
  const buffer = {} as GPUBuffer;
  let offset = 0;
  for (const { name, shape } of specs) {
    const size = elementsOf(shape) * 4;
    places.set(name, { shape, range: { buffer, offset, size } });
    offset += alignUp(size, bindingAlignment);
  }
  const flat = { buffer, size: offset };
  return { value: (name) => places.get(name)!, gradient: (name) => places.get(name)!.range, values: flat, gradients: flat };
}

/** Values of all inputs and incoming gradients, the same at every call. */
export function drawAll(kernelCase: KernelCase, { inputs, seeds }: Recorded): Map<string, { tensor: Tensor; values: Float32Array<ArrayBuffer> }> {
  const named = [...Object.entries(inputs), ...Object.entries(seeds)];
  const factor = 1 / (kernelCase.gradientScale ?? 1);
  return new Map(named.map(([name, tensor], stream) =>
    [name, { tensor, values: draw(tensor.length, { ...(name in seeds && { factor }), ...kernelCase.inputs[name], stream }) }]));
}

/** Records a case, draws the values of all its inputs, and finds a tensor for every expected result. */
export function prepare(kernelCase: KernelCase, variant: VariantSettings, parameters?: ParameterSource) {
  const what = `${kernelCase.stem} ${kernelCase.name}`;
  const recorded = recordCase(kernelCase, variant, parameters);
  const { tape, inputs: tensors } = recorded;
  const outputs = Object.entries(recorded.outputs);
  const drawn = drawAll(kernelCase, recorded);
  const inputs = new Map([...drawn.values()].map(({ tensor, values }) => [tensor, values]));
  const given = Object.fromEntries([...drawn].map(([name, { values }]) => [name, Float64Array.from(values)]));

  const expected = kernelCase.expected(given, stagingOf(variant, tape.gradientScale));
  const results = new Map(outputs.map(([name, tensor]) => [name, tape.keep(tensor)]));
  for (const name of results.keys()) {
    if (!(name in expected)) throw new Error(`${what}: nothing is known about '${name}'`);
  }
  for (const direction of Object.keys(expected)) {
    if (results.has(direction)) continue;
    const gradient = tape.gradient(tensors[inputOf(direction)]!);
    if (!gradient) throw new Error(`${what}: nothing computes '${direction}'`);
    results.set(direction, tape.keep(gradient));
  }
  return { tape, inputs, results, expected };
}

/** Marks a gradient that was added to what is there. */
export const added = ' +=';

/** `d x` and `d x +=` → `x`. */
function inputOf(direction: string): string {
  return direction.replace(/^d /, '').replace(added, '');
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
