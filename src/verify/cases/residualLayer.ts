import type { Tensor } from '../../autograd/tensor.ts';
import type { ResidualLayer } from '../../ops/residualLayer.ts';
import { residualLayer } from '../../ops/residualLayer.ts';
import { addStep, addStepBackward } from '../../reference/addStep.ts';
import { conv1d, conv1dBackward } from '../../reference/conv1d.ts';
import { sigmoid } from '../../reference/silu.ts';
import type { Approx } from '../approx.ts';
import { bilinear, expectedOf, given, halves, joined, linear, product, scaled, smooth, staged, sum } from '../approx.ts';
import type { CaseInput, Expected, Given, KernelCase, Staging } from '../case.ts';
import { asGiven, exact, times } from '../case.ts';
import { tanhError } from './gate.ts';
import type { Place } from './residual.ts';
import { sigmoidError } from './silu.ts';

export interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly C: number;
  readonly K: number;
  readonly D: number;
  readonly place: Place;
  /** What the network is told: one row an item, one for every sample, or what the layer projects those from, of M bands. */
  readonly condition?: 'item' | 'sample' | 'projected';
  readonly M?: number;
}

/** How it is done: see `KernelCase`. */
export type Ways = Pick<KernelCase, 'keeps' | 'maxUniformBytes' | 'maxWorkgroupBytes' | 'gradientScale' | 'prefetch'>;

/** Two vec4f of outputs a lane do not fit into a uniform binding, one does (36 channels, 8 lanes). */
const half = { maxUniformBytes: 2 ** 15 } as const;

/** Weights that do not fit into a uniform binding, and layers that do not fit into a workgroup's memory. */
export const scarce = { maxUniformBytes: 0, maxWorkgroupBytes: 0 } as const;

/** The convolution of (B, L, Cin), C channels if nothing is said, to (B, L, 2C) and its gradients, with bounds; a bias is added apart. */
function convolution({ B, L, C, K, D, Cin = C }: Omit<Sizes, 'place' | 'condition'> & { Cin?: number }, { additionError, ...staging }: Staging) {
  const factor = (a: Approx): Approx => staged(staging.factor, a);
  const gradient = (a: Approx): Approx => staged(staging.gradient, a);
  const shape = { B, L, Cin, Cout: 2 * C, K, D, bias: null };
  const back = (of: 'dInput' | 'dWeight', input: Float64Array, weight: Float64Array, dOutput: Float64Array) =>
    conv1dBackward({ ...shape, input, weight, dOutput })[of];
  const noInput = new Float64Array(B * L * Cin);
  const noWeight = new Float64Array(K * Cin * 2 * C);
  return {
    forward: (a: Approx, b: Approx, bias: Approx) =>
      sum(bilinear((input, weight) => conv1d({ ...shape, input, weight }), { a: factor(a), b: factor(b), terms: K * Cin, additionError }), bias),
    dInput: (a: Approx, b: Approx) =>
      bilinear((dOutput, weight) => back('dInput', noInput, weight, dOutput), { a: gradient(a), b: factor(b), terms: K * 2 * C, additionError }),
    dWeight: (a: Approx, b: Approx) =>
      bilinear((input, dOutput) => back('dWeight', input, noWeight, dOutput), { a: factor(a), b: gradient(b), terms: B * L, additionError }),
    dBias: (a: Approx) => linear(
      (dOutput) => conv1dBackward({ ...shape, input: noInput, weight: noWeight, dOutput }).dBias, { a, terms: B * L }),
  };
}

/** A layer's operands, and the gradients that come in at its outputs. */
type Operands = Readonly<Record<
  'x' | 'step' | 'skip' | 'dilatedWeight' | 'dilatedBias' | 'projectionWeight' | 'projectionBias' | 'd output' | 'd total', Approx
>> & Partial<Readonly<Record<'condition' | 'told' | 'toldWeight' | 'toldBias', Approx>>>;

/** Bands of what a layer projects where nothing is said. */
const usualBands = 8;

/** The operands that a condition adds to a layer's. */
export function conditionInputs({ B, L, C, condition, M = usualBands }: Pick<Sizes, 'B' | 'L' | 'C' | 'condition' | 'M'>): Record<string, CaseInput> {
  if (condition === undefined) return {};
  if (condition === 'item') return { condition: { shape: [B, 2 * C], gradient: true } };
  if (condition === 'sample') return { condition: { shape: [B, L, 2 * C], gradient: true, soleReader: true } };
  return {
    told: { shape: [B, L, M], gradient: true },
    toldWeight: { shape: [1, M, 2 * C], factor: 1 / Math.sqrt(M), gradient: true },
    toldBias: { shape: [2 * C], gradient: true },
  };
}

/** The same as `residualLayer` wants it. */
export function conditionOf(input: (name: string) => Tensor | undefined): ResidualLayer['condition'] {
  const of = input('told');
  return of ? { of, weight: input('toldWeight')!, bias: input('toldBias')! } : input('condition');
}

/** The chain of the layer's operations in float64, each with what its own rounding and that of its inputs may do. */
export function layerTruth(of: Operands, { place, ...sizes }: Sizes, staging: Staging): Record<string, Approx> {
  const { B, L, C, M = usualBands } = sizes;
  const dilated = convolution(sizes, staging);
  const projection = convolution({ ...sizes, K: 1, D: 1 }, staging);
  // Bands that are no vectors are projected by the naive kernels.
  const projector = convolution({ ...sizes, K: 1, D: 1, Cin: M }, M % 4 === 0 ? staging : asGiven);
  const shape = { B, L, C };
  const spread = (step: Float64Array) => addStep({ input: new Float64Array(B * L * C), step, ...shape });

  const shifted = sum(of.x, given(spread(of.step.value)));
  const convolved = dilated.forward(shifted, of.dilatedWeight, of.dilatedBias);
  const wide = { B, L, C: 2 * C };
  const everywhere = (condition: Float64Array) => addStep({ input: new Float64Array(B * L * 2 * C), step: condition, ...wide });
  const told = of.told ? projector.forward(of.told, of.toldWeight!, of.toldBias!)
    : of.condition && (sizes.condition === 'item' ? given(everywhere(of.condition.value)) : of.condition);
  const [g, f] = halves(told ? sum(convolved, told) : convolved, C);
  const s = smooth(sigmoid, { a: g, slope: 0.25, error: sigmoidError });
  const t = smooth(Math.tanh, { a: f, slope: 1, error: tanhError });
  const h = product(s, t);
  const [r, skipped] = halves(projection.forward(h, of.projectionWeight, of.projectionBias), C);
  const output = scaled(sum(of.x, r), Math.SQRT1_2);
  const total = place === 'first' ? skipped : sum(of.skip, skipped);

  const dOutput = place === 'last' ? given(new Float64Array(B * L * C)) : of['d output'];
  const dResidual = scaled(dOutput, Math.SQRT1_2);
  const dProjected = joined(dResidual, of['d total'], C);
  const dh = projection.dInput(dProjected, of.projectionWeight);
  // σ(1 − σ) and 1 − tanh², as functions of σ and tanh
  const dg = product(product(dh, t), smooth((v) => v * (1 - v), { a: s, slope: 1, error: sigmoidError }));
  const df = product(product(dh, s), smooth((v) => 1 - v * v, { a: t, slope: 2, error: tanhError }));
  const dConvolved = joined(dg, df, C);
  const dShifted = dilated.dInput(dConvolved, of.dilatedWeight);
  return {
    output,
    total,
    'd x': sum(dResidual, dShifted),
    'd step': linear((a) => addStepBackward({ dOutput: a, ...shape }).dStep, { a: dShifted, terms: L }),
    'd dilatedWeight': dilated.dWeight(shifted, dConvolved),
    'd dilatedBias': dilated.dBias(dConvolved),
    'd projectionWeight': projection.dWeight(h, dProjected),
    'd projectionBias': projection.dBias(dProjected),
    ...(sizes.condition === 'sample' && { 'd condition': dConvolved }),
    ...(of.told && {
      'd told': projector.dInput(dConvolved, of.toldWeight!), 'd toldWeight': projector.dWeight(of.told, dConvolved), 'd toldBias': projector.dBias(dConvolved),
    }),
    ...(sizes.condition === 'item' && { 'd condition': linear((a) => addStepBackward({ dOutput: a, ...wide }).dStep, { a: dConvolved, terms: L }) }),
  };
}

function truth(values: Given, sizes: Sizes, staging: Staging): Record<string, Expected> {
  const operands = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, given(value)])) as Operands;
  const results = Object.entries(layerTruth(operands, sizes, staging)).map(([name, approx]) => [name, expectedOf(approx)]);
  return { ...Object.fromEntries(results), ...(sizes.place === 'first' ? {} : { 'd skip': exact(values['d total']!) }) };
}

export function residualLayerCase({ keeps, maxUniformBytes, maxWorkgroupBytes, gradientScale, prefetch, ...sizes }: Sizes & Ways): KernelCase {
  const { B, L, C, K, D, place, condition, M } = sizes;
  const skip: Record<string, CaseInput> = { skip: { shape: [B, L, C], gradient: true, soleReader: true } };
  return {
    stem: 'residualLayer',
    name: `${times(B, L, C)} K=${K} D=${D} ${place}${condition ? `, told by ${condition}` : ''}${M ? ` of ${M} bands` : ''}${keeps === 'layerInputs' ? ', computed again' : ''}${maxUniformBytes === 0 ? ', little memory' : maxUniformBytes ? ', weights in two bindings' : ''}${gradientScale ? ', small gradients' : ''}${prefetch ? ', prefetched' : ''}`,
    hasVariants: true,
    gradientScale,
    keeps,
    maxUniformBytes,
    maxWorkgroupBytes,
    prefetch,
    inputs: {
      x: { shape: [B, L, C], gradient: true, soleReader: true },
      step: { shape: [B, C], gradient: true },
      dilatedWeight: { shape: [K, C, 2 * C], factor: 1 / Math.sqrt(K * C), gradient: true },
      dilatedBias: { shape: [2 * C], gradient: true },
      projectionWeight: { shape: [1, C, 2 * C], factor: 1 / Math.sqrt(C), gradient: true },
      projectionBias: { shape: [2 * C], gradient: true },
      ...(place === 'first' ? {} : skip),
      ...conditionInputs(sizes),
    },
    unread: place === 'last' ? ['output'] : [],
    record(tape, inputs) {
      const { output, skip: total } = residualLayer(tape, {
        x: inputs.x!,
        step: inputs.step!,
        skip: inputs.skip,
        dilated: { weight: inputs.dilatedWeight!, bias: inputs.dilatedBias! },
        projection: { weight: inputs.projectionWeight!, bias: inputs.projectionBias! },
        condition: conditionOf((name) => inputs[name]),
        dilation: D,
        name: 'layer',
      });
      return { output, total };
    },
    expected: (values, staging) => truth(values, sizes, staging),
  };
}

/** Few widths and kernel sizes, as each costs seconds to compile: what they do not change is compiled once. */
export const residualLayerCases: readonly KernelCase[] = ([
  { B: 1, L: 1, C: 12, K: 5, D: 8, place: 'first' },
  { B: 2, L: 5, C: 3, K: 3, D: 2, place: 'later' },
  { B: 2, L: 37, C: 36, K: 3, D: 16, place: 'later', gradientScale: 2 ** 20 },
  { B: 1, L: 17, C: 36, K: 3, D: 2, place: 'later', ...half },
  { B: 1, L: 5, C: 36, K: 3, D: 2, place: 'last', ...half },
  { B: 1, L: 65, C: 12, K: 3, D: 8, place: 'last' },
  { B: 1, L: 65, C: 12, K: 3, D: 8, place: 'first', keeps: 'layerInputs' },
  { B: 1, L: 65, C: 12, K: 3, D: 8, place: 'later', keeps: 'layerInputs' },
  { B: 1, L: 65, C: 20, K: 3, D: 8, place: 'later', prefetch: true }, // two slabs of inputs
  { B: 1, L: 5, C: 20, K: 3, D: 8, place: 'first', prefetch: true, ...scarce },
  { B: 1, L: 5, C: 12, K: 3, D: 2, place: 'first', ...scarce },
  { B: 1, L: 5, C: 12, K: 3, D: 2, place: 'last', ...scarce },
  { B: 1, L: 5, C: 12, K: 3, D: 2, place: 'later', ...scarce, keeps: 'layerInputs' },
  ...(['item', 'sample', 'projected'] as const).flatMap((condition) => [
    { B: 2, L: 5, C: 3, K: 3, D: 2, place: 'later', condition },
    { B: 1, L: 1, C: 12, K: 3, D: 8, place: 'first', condition },
    { B: 3, L: 65, C: 12, K: 3, D: 8, place: 'later', condition },
    { B: 2, L: 65, C: 12, K: 3, D: 8, place: 'last', condition, keeps: 'layerInputs' },
    { B: 1, L: 65, C: 12, K: 3, D: 8, place: 'first', condition, keeps: 'layerInputs' },
    { B: 1, L: 17, C: 36, K: 3, D: 2, place: 'later', condition, ...half },
    { B: 2, L: 5, C: 12, K: 3, D: 2, place: 'later', condition, ...scarce, keeps: 'layerInputs' },
    { B: 1, L: 5, C: 20, K: 3, D: 8, place: 'first', condition, prefetch: true, ...scarce },
  ] satisfies (Sizes & Ways)[]),
  { B: 2, L: 5, C: 68, K: 1, D: 1, place: 'later', condition: 'sample' }, // slices of [g | f] in every variant
  { B: 2, L: 17, C: 12, K: 3, D: 2, place: 'later', condition: 'projected', M: 6 },
  { B: 1, L: 37, C: 36, K: 3, D: 16, place: 'later', condition: 'projected', M: 68, gradientScale: 2 ** 20 }, // an odd number of slices of gradients
] satisfies (Sizes & Ways)[]).map(residualLayerCase);
