import { residualLayer } from '../../ops/residualLayer.ts';
import { addStep, addStepBackward } from '../../reference/addStep.ts';
import { conv1d, conv1dBackward } from '../../reference/conv1d.ts';
import { sigmoid } from '../../reference/silu.ts';
import type { Approx } from '../approx.ts';
import { bilinear, expectedOf, given, halves, joined, linear, product, scaled, smooth, staged, sum } from '../approx.ts';
import type { CaseInput, Expected, Given, KernelCase, Staging } from '../case.ts';
import { exact, times } from '../case.ts';
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
  /** What the network is told: one row an item, or one for every sample. */
  readonly condition?: 'item' | 'sample';
}

/** How it is done: see `KernelCase`. */
export type Ways = Pick<KernelCase, 'keeps' | 'maxUniformBytes' | 'maxWorkgroupBytes' | 'gradientScale' | 'prefetch'>;

/** Two vec4f of outputs a lane do not fit into a uniform binding, one does (36 channels, 8 lanes). */
const half = { maxUniformBytes: 2 ** 15 } as const;

/** Weights that do not fit into a uniform binding, and layers that do not fit into a workgroup's memory. */
export const scarce = { maxUniformBytes: 0, maxWorkgroupBytes: 0 } as const;

/** The convolution of (B, L, C) to (B, L, 2C) channels and its gradients, with bounds; a bias is added apart. */
function convolution({ B, L, C, K, D }: Omit<Sizes, 'place' | 'condition'>, { additionError, ...staging }: Staging) {
  const factor = (a: Approx): Approx => staged(staging.factor, a);
  const gradient = (a: Approx): Approx => staged(staging.gradient, a);
  const shape = { B, L, Cin: C, Cout: 2 * C, K, D, bias: null };
  const back = (of: 'dInput' | 'dWeight', input: Float64Array, weight: Float64Array, dOutput: Float64Array) =>
    conv1dBackward({ ...shape, input, weight, dOutput })[of];
  const noInput = new Float64Array(B * L * C);
  const noWeight = new Float64Array(K * C * 2 * C);
  return {
    forward: (a: Approx, b: Approx, bias: Approx) =>
      sum(bilinear((input, weight) => conv1d({ ...shape, input, weight }), { a: factor(a), b: factor(b), terms: K * C, additionError }), bias),
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
>> & { readonly condition?: Approx };

/** The chain of the layer's operations in float64, each with what its own rounding and that of its inputs may do. */
export function layerTruth(of: Operands, { place, ...sizes }: Sizes, staging: Staging): Record<string, Approx> {
  const { B, L, C } = sizes;
  const dilated = convolution(sizes, staging);
  const projection = convolution({ ...sizes, K: 1, D: 1 }, staging);
  const shape = { B, L, C };
  const spread = (step: Float64Array) => addStep({ input: new Float64Array(B * L * C), step, ...shape });

  const shifted = sum(of.x, given(spread(of.step.value)));
  const convolved = dilated.forward(shifted, of.dilatedWeight, of.dilatedBias);
  const wide = { B, L, C: 2 * C };
  const everywhere = (condition: Float64Array) => addStep({ input: new Float64Array(B * L * 2 * C), step: condition, ...wide });
  const told = of.condition && (sizes.condition === 'item' ? given(everywhere(of.condition.value)) : of.condition);
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
    ...(sizes.condition === 'item' && { 'd condition': linear((a) => addStepBackward({ dOutput: a, ...wide }).dStep, { a: dConvolved, terms: L }) }),
  };
}

function truth(values: Given, sizes: Sizes, staging: Staging): Record<string, Expected> {
  const operands = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, given(value)])) as Operands;
  const results = Object.entries(layerTruth(operands, sizes, staging)).map(([name, approx]) => [name, expectedOf(approx)]);
  return { ...Object.fromEntries(results), ...(sizes.place === 'first' ? {} : { 'd skip': exact(values['d total']!) }) };
}

export function residualLayerCase({ keeps, maxUniformBytes, maxWorkgroupBytes, gradientScale, prefetch, ...sizes }: Sizes & Ways): KernelCase {
  const { B, L, C, K, D, place, condition } = sizes;
  const skip: Record<string, CaseInput> = { skip: { shape: [B, L, C], gradient: true, soleReader: true } };
  return {
    stem: 'residualLayer',
    name: `${times(B, L, C)} K=${K} D=${D} ${place}${condition ? `, told by ${condition}` : ''}${keeps === 'layerInputs' ? ', computed again' : ''}${maxUniformBytes === 0 ? ', little memory' : maxUniformBytes ? ', weights in two bindings' : ''}${gradientScale ? ', small gradients' : ''}${prefetch ? ', prefetched' : ''}`,
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
      ...(condition && { condition: condition === 'item' ? { shape: [B, 2 * C], gradient: true } : { shape: [B, L, 2 * C], gradient: true, soleReader: true } }),
    },
    unread: place === 'last' ? ['output'] : [],
    record(tape, inputs) {
      const { output, skip: total } = residualLayer(tape, {
        x: inputs.x!,
        step: inputs.step!,
        skip: inputs.skip,
        dilated: { weight: inputs.dilatedWeight!, bias: inputs.dilatedBias! },
        projection: { weight: inputs.projectionWeight!, bias: inputs.projectionBias! },
        condition: inputs.condition,
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
  ...(['item', 'sample'] as const).flatMap((condition) => [
    { B: 2, L: 5, C: 3, K: 3, D: 2, place: 'later', condition },
    { B: 1, L: 1, C: 12, K: 3, D: 8, place: 'first', condition },
    { B: 3, L: 65, C: 12, K: 3, D: 8, place: 'later', condition },
    { B: 2, L: 65, C: 12, K: 3, D: 8, place: 'last', condition, keeps: 'layerInputs' },
    { B: 1, L: 65, C: 12, K: 3, D: 8, place: 'first', condition, keeps: 'layerInputs' },
    { B: 1, L: 17, C: 36, K: 3, D: 2, place: 'later', condition, ...half },
    { B: 2, L: 5, C: 12, K: 3, D: 2, place: 'later', condition, ...scarce, keeps: 'layerInputs' },
    { B: 1, L: 5, C: 20, K: 3, D: 8, place: 'first', condition, prefetch: true, ...scarce },
  ] satisfies (Sizes & Ways)[]),
] satisfies (Sizes & Ways)[]).map(residualLayerCase);
