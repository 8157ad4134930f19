/** What is checked: one operation on one shape, with the float64 truth and how far float32 may be from it. */
import type { Keeps, Precision } from '../autograd/operation.ts';
import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { VariantSettings } from '../gpu/device/variant.ts';
import type { Values } from '../gpu/program/dispatch.ts';
import { roundToHalf } from '../reference/half.ts';

export interface CaseInput {
  readonly shape: readonly number[];
  /** Its values; standard normals if absent. */
  readonly values?: readonly number[];
  /** What standard normals are multiplied by. */
  readonly factor?: number;
  /** Values that replace the first ones: where the operation's formula is delicate. */
  readonly edges?: readonly number[];
  /** Whether the operation has a gradient in it. */
  readonly gradient?: boolean;
  /** It is a parameter of the tape; they have their places in the order of the inputs. */
  readonly parameter?: boolean;
  /** The operation forbids that anybody else reads it, so nothing can be added to its gradient. */
  readonly soleReader?: boolean;
}

/** Float64 values by name: the inputs, and for an output `y` with gradient `d y`, the gradient that comes in there. */
export type Given = Readonly<Record<string, Float64Array>>;

/** A result, and the error it may have: |got − value| ≤ tolerance·scale, element by element. */
export interface Expected {
  readonly value: Float64Array;
  /** What a rounding error is relative to: the sum of the absolute values of the terms. 0 where none is allowed. */
  readonly scale: Float64Array;
  readonly tolerance: number;
}

/** What a kernel makes of the factors of a sum of products before it multiplies them, and how well it adds up. */
export interface Staging {
  /** An activation or a weight. */
  factor(value: Float64Array): Float64Array;
  gradient(value: Float64Array): Float64Array;
  /** Error of an addition, relative to that of one that rounds to the nearest. */
  readonly additionError: number;
}

export const asGiven: Staging = { factor: (value) => value, gradient: (value) => value, additionError: 1 };

/** Tensor cores add up in blocks and cut off what other arithmetic rounds: a unit in the last place instead of half of one. */
const cutOff = 2;

/** What the kernels of a variant make of factors; `gradientScale` is the tape's. */
export function stagingOf({ matrix }: Pick<VariantSettings, 'matrix'>, gradientScale: number): Staging {
  if (!matrix) return asGiven;
  if (matrix.component === 'f32') return { ...asGiven, additionError: cutOff };
  return {
    factor: (value) => value.map(roundToHalf),
    gradient: (value) => value.map((each) => roundToHalf(each * gradientScale) / gradientScale),
    additionError: cutOff,
  };
}

export interface KernelCase {
  /** Name of the operation, its file and its shader. */
  readonly stem: string;
  /** The shape, and what is special about it. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  /** The step uniforms of the runs that follow each other; one run without any if absent. */
  readonly runs?: readonly Values[];
  /** `mixed`: activations are stored as f16, which the naive variant cannot. */
  readonly precision?: Precision;
  /** What stays between forward and backward; everything by default. */
  readonly keeps?: Keeps;
  /** Bytes that a uniform binding may have, where that is to be fewer than the adapter has: packed weights go elsewhere then. */
  readonly maxUniformBytes?: number;
  /** The same of a workgroup's memory: what does not fit is done by several kernels. */
  readonly maxWorkgroupBytes?: number;
  /** Whether `tile` kernels load the next slab while they multiply one, which is not their default. */
  readonly prefetch?: boolean;
  /** Whether its kernels come in variants. */
  readonly hasVariants?: boolean;
  /** Outputs that nobody reads, so that no gradient comes in there. */
  readonly unread?: readonly string[];
  /** Records the operation; returns its outputs by name. */
  record(tape: Tape, inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
  /** For every output, by its name, and for the gradient in an input `x` as `d x`. */
  expected(given: Given, staging: Staging): Readonly<Record<string, Expected>>;
  /** Incoming gradients are so many times smaller, and the tape knows it: a power of two. */
  readonly gradientScale?: number;
}

/** The largest relative error of one rounding to float32: half a unit in the last of its 24 places. */
export const unitRoundoff = 2 ** -24;

/** WGSL lets a division, and an exponential near 0, be 2.5 to 3 units in the last place off: this many roundings. */
export const divisionRoundings = 6;

/** λ below: a correct kernel fails with a probability of at most 2·exp(−λ²/2) = 3e-8 per element. */
const confidence = 6;

/**
 * How far a float32 result may be from the truth, relative to the sum of its terms' absolute values, if every term
 * passes through `roundings` roundings; a sum of n products has n at most, in whatever order it is added up. Few
 * roundings: the worst case n·u (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, §3.1). Many: λ√n·u
 * (Higham and Mary, "A new approach to probabilistic rounding error analysis", 2019), as the worst case of a sum of
 * thousands would be larger than a term that is missing.
 */
export function roundingError(roundings: number): number {
  return Math.min(roundings, confidence * Math.sqrt(roundings)) * unitRoundoff;
}

/**
 * Results that are sums of products of what is given: `compute` with absolute values gives the sums of the terms'
 * absolute values. `roundings` has the number for every result, as `roundingError` wants it.
 */
export function sums<Name extends string>(
  given: Given,
  compute: (given: Given) => Readonly<Record<NoInfer<Name>, Float64Array>>,
  roundings: Readonly<Record<Name, number>>,
  additionError = 1,
): Record<Name, Expected> {
  const values = compute(given);
  const scales = compute(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value.map(Math.abs)])));
  const names = Object.keys(roundings) as Name[];
  return Object.fromEntries(names.map((name): [Name, Expected] => [
    name,
    { value: values[name], scale: scales[name], tolerance: additionError * roundingError(roundings[name]) },
  ])) as Record<Name, Expected>;
}

/** A result that no rounding may touch. */
export function exact(value: Float64Array): Expected {
  return { value, scale: value.map(Math.abs), tolerance: 0 };
}

/** `3×7×5`. */
export function times(...sizes: readonly number[]): string {
  return sizes.join('×');
}
