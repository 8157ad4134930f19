/**
 * Mixed precision: a chain whose activations are stored as f16, from the relu that makes the first to the skip sum, which is
 * float32 again. The host cannot read f16, so what is stored is judged by what is computed from it: two layers, the first one's
 * output being the second one's input.
 */
import type { Tape } from '../../autograd/tape.ts';
import type { Tensor } from '../../autograd/tensor.ts';
import { conv1d } from '../../ops/conv1d.ts';
import { relu } from '../../ops/relu.ts';
import { residualLayer } from '../../ops/residualLayer.ts';
import { conv1d as conv1dTruth, conv1dBackward } from '../../reference/conv1d.ts';
import type { Approx } from '../approx.ts';
import { given, product } from '../approx.ts';
import type { CaseInput, Expected, Given, KernelCase, Staging } from '../case.ts';
import { times } from '../case.ts';
import type { Place } from './residual.ts';
import type { Ways } from './residualLayer.ts';
import { conditionInputs, conditionOf, layerTruth, scarce } from './residualLayer.ts';

interface Sizes {
  /** The first activations are a convolution of x (B, L, 1), as those of the network are. */
  readonly lifted?: boolean;
  readonly B: number;
  readonly L: number;
  readonly C: number;
  readonly K: number;
  readonly D: number;
  /** Whether activations come to be beyond what f16 can hold. */
  readonly large?: boolean;
  /** What both layers are told. */
  readonly condition?: 'item' | 'sample' | 'projected';
}

/** The largest f16; what is beyond it is stored as this. */
const largestHalf = 65504;

/** An x and biases that bring the residual stream beyond that, and dilated weights so small that the gates do not saturate. */
const largeX = [1e5, -1e5, 7e4, largestHalf];
const largeBias = [6e4, -1e5]; // of r
const smallWeights = 1e-5;

const operandsOf = (sizes: Sizes): string[] =>
  ['step', 'dilatedWeight', 'dilatedBias', 'projectionWeight', 'projectionBias', ...Object.keys(conditionInputs(sizes))];

/** Operands of both layers by name, `first dilatedBias`. */
function inputsOf({ B, L, C, K, lifted, large, condition }: Sizes): Record<string, CaseInput> {
  const layer = {
    step: { shape: [B, C], gradient: true },
    dilatedWeight: { shape: [K, C, 2 * C], factor: (large ? smallWeights : 1) / Math.sqrt(K * C), gradient: true },
    dilatedBias: { shape: [2 * C], gradient: true },
    projectionWeight: { shape: [1, C, 2 * C], factor: 1 / Math.sqrt(C), gradient: true },
    projectionBias: { shape: [2 * C], edges: large ? largeBias : [], gradient: true },
    ...conditionInputs({ B, L, C, condition }),
  };
  return {
    ...(lifted
      ? { x: { shape: [B, L, 1] }, weight: { shape: [1, 1, C], gradient: true }, bias: { shape: [C], edges: large ? largeX.slice(0, 1) : [], gradient: true } }
      : { x: { shape: [B, L, C], edges: large ? largeX : [], gradient: true } }),
    ...Object.fromEntries(['first', 'second'].flatMap((which) =>
      Object.entries(layer).map(([name, input]): [string, CaseInput] => [`${which} ${name}`, input]))),
  };
}

function record(tape: Tape, inputs: Readonly<Record<string, Tensor>>, dilation: number): Record<string, Tensor> {
  const layer = (which: string, x: Tensor, skip?: Tensor) => {
    const of = (name: string): Tensor => inputs[`${which} ${name}`]!;
    return residualLayer(tape, {
      condition: conditionOf((name) => inputs[`${which} ${name}`]), x, skip, step: of('step'), dilation, name: which,
      dilated: { weight: of('dilatedWeight'), bias: of('dilatedBias') },
      projection: { weight: of('projectionWeight'), bias: of('projectionBias') },
    });
  };
  const { x, weight, bias } = inputs;
  const activations = weight
    ? conv1d(tape, { x: x!, weight, bias: bias!, dilation: 1, activation: 'relu', half: true })
    : relu(tape, x!, { half: true });
  const first = layer('first', activations);
  return { total: layer('second', first.output, first.skip).skip };
}

/** Largest error of one rounding to f16, relative to the value: half a unit in the last of its 11 places. */
const halfRoundoff = 2 ** -11;

/** Most activations that are stored on the way to a result: x, h, σ and tanh of both layers, and what goes from one to the other. */
const storedOnTheWay = 8;

/**
 * What may come of it. Roundings of stored numbers are independent of each other, so their effects add up as squares, as the terms
 * of a result do: √k roundings of 2^-11, six times over (a correct kernel fails with a probability of some 1e-8 an element),
 * relative to the element and to the root mean square of its tensor, which is the size of the terms that cancelled in it.
 */
function roundedToHalf({ value }: Approx): Expected {
  const rms = Math.sqrt(value.reduce((sum, v) => sum + v * v, 0) / value.length);
  return { value, scale: value.map((v) => Math.abs(v) + rms), tolerance: 6 * Math.sqrt(storedOnTheWay) * halfRoundoff };
}

function truth(values: Given, sizes: Sizes, staging: Staging): Record<string, Expected> {
  const of = (which: string, more: Record<string, Approx>, place: Place) => {
    const own = Object.fromEntries(operandsOf(sizes).map((name) => [name, given(values[`${which} ${name}`]!)]));
    const nothing = given(new Float64Array(values.x!.length));
    const all = { skip: nothing, 'd output': nothing, ...own, ...more } as unknown as Parameters<typeof layerTruth>[0];
    return layerTruth(all, { ...sizes, place }, staging);
  };
  const { weight, bias } = values;
  const lifting = { B: sizes.B, L: sizes.L, Cin: 1, Cout: sizes.C, K: 1, D: 1, input: values.x!, weight: weight!, bias: bias! };
  const before = sizes.lifted ? conv1dTruth(lifting) : values.x!;
  const positive = before.map((x) => Number(x > 0));
  const stored = (value: number): number => Math.min(Math.max(value, -largestHalf), largestHalf);
  const x = given(before.map((value) => stored(Math.max(value, 0))));
  const dTotal = { 'd total': given(values['d total']!) };
  const forward = of('first', { x, ...dTotal }, 'first'); // its outputs do not depend on what comes in
  const between = given(forward.output!.value.map(stored)); // gradients pass as if nothing had been cut
  const second = of('second', { x: between, skip: forward.total!, ...dTotal }, 'last');
  const first = of('first', { x, ...dTotal, 'd output': second['d x']! }, 'first');
  const named = (which: string, results: Record<string, Approx>) =>
    Object.fromEntries(operandsOf(sizes).map((name) => [`d ${which} ${name}`, roundedToHalf(results[`d ${name}`]!)]));
  const dBefore = product(given(positive), first['d x']!);
  const lifted = sizes.lifted ? conv1dBackward({ ...lifting, dOutput: dBefore.value }) : undefined;
  return {
    total: roundedToHalf(second.total!),
    ...(lifted
      ? { 'd weight': roundedToHalf(given(lifted.dWeight)), 'd bias': roundedToHalf(given(lifted.dBias)) }
      : { 'd x': roundedToHalf(dBefore) }),
    ...named('first', first),
    ...named('second', second),
  };
}

function mixedCase({ keeps, maxUniformBytes, maxWorkgroupBytes, gradientScale, lifted = false, ...sizes }: Sizes & Ways): KernelCase {
  const { B, L, C, K, D } = sizes;
  return {
    stem: 'residualLayer',
    name: `two in f16${lifted ? ' of a convolution' : ''}${sizes.large ? ' and beyond' : ''}, ${times(B, L, C)} K=${K} D=${D}${sizes.condition ? `, told by ${sizes.condition}` : ''}${keeps === 'layerInputs' ? ', computed again' : ''}${maxUniformBytes === 0 ? ', little memory' : ''}${gradientScale ? ', small gradients' : ''}`,
    gradientScale,
    keeps,
    maxUniformBytes,
    maxWorkgroupBytes,
    hasVariants: true,
    precision: 'mixed',
    inputs: inputsOf({ ...sizes, lifted }),
    record: (tape, inputs) => record(tape, inputs, D),
    expected: (given, staging) => truth(given, { ...sizes, lifted }, staging),
  };
}

export const mixedCases: readonly KernelCase[] = ([
  { B: 1, L: 1, C: 12, K: 3, D: 1 },
  { B: 2, L: 37, C: 12, K: 3, D: 16, lifted: true },
  { B: 2, L: 37, C: 12, K: 3, D: 16, gradientScale: 2 ** 20 },
  { B: 2, L: 37, C: 12, K: 3, D: 16, keeps: 'layerInputs' },
  { B: 1, L: 5, C: 12, K: 3, D: 2, keeps: 'layerInputs', ...scarce },
  ...(['item', 'sample', 'projected'] as const).flatMap((condition) => [
    { B: 2, L: 37, C: 12, K: 3, D: 16, condition },
    { B: 2, L: 37, C: 12, K: 3, D: 16, condition, keeps: 'layerInputs' },
    { B: 1, L: 5, C: 12, K: 3, D: 2, condition, keeps: 'layerInputs', ...scarce },
  ] satisfies (Sizes & Ways)[]),
  // With the kernels of cases above: compiling takes most of the time.
  { B: 2, L: 5, C: 12, K: 3, D: 2, large: true, lifted: true },
  { B: 2, L: 7, C: 12, K: 3, D: 2, large: true, keeps: 'layerInputs', ...scarce },
] satisfies (Sizes & Ways)[]).map(mixedCase);
