import { adam, adamValues } from '../../ops/adam.ts';
import { adam as adamTruth, clipped, follow } from '../../reference/adam.ts';
import type { Given, KernelCase } from '../case.ts';
import { divisionRoundings, roundingError } from '../case.ts';

const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Of one update: clipping, constants, moments, corrections, decay, and a root and a division that WGSL allows six each. */
const roundingsPerUpdate = 14 + 3 * divisionRoundings;

interface AdamCase {
  readonly count: number;
  readonly updates: number;
  readonly learningRate: number;
  readonly weightDecay?: number;
  /** Decays of the running mean of the value, one for each update. */
  readonly averageDecays?: readonly number[];
  /** A norm of the gradient that is said to the kernel, and the largest that is allowed. */
  readonly clip?: { readonly norm: number; readonly max: number };
}

/** Value, moments and average after the updates, along one gradient. */
function walk(given: Given, { updates, learningRate, weightDecay, averageDecays, clip }: AdamCase) {
  const gradient = clip ? clipped({ gradient: given.gradient!, ...clip }) : given.gradient;
  const [value, m, v, average] = [given.value, given.m, given.v, given.average ?? given.value].map((x) => x!.slice());
  for (let step = 1; step <= updates; step++) {
    adamTruth({ value: value!, gradient: gradient!, m: m!, v: v!, step, learningRate, weightDecay, ...options });
    follow({ average: average!, value: value!, decay: averageDecays?.[step - 1] ?? 0 });
  }
  return { value, m, v, average };
}

export function adamCase(shape: AdamCase): KernelCase {
  const { count, updates, learningRate, weightDecay, averageDecays, clip } = shape;
  const zeros = new Array<number>(count).fill(0);
  const extras = [weightDecay && 'decay', averageDecays && 'average', clip && (clip.norm > clip.max ? 'clipped' : 'not clipped')];
  return {
    stem: 'adam',
    name: [`${count} values, ${updates} updates`, ...extras.filter(Boolean)].join(', '),
    inputs: {
      value: { shape: [count] },
      gradient: { shape: [count], edges: [0, 1e-8, -1e-6, 1e4] },
      m: { shape: [count], values: zeros },
      v: { shape: [count], values: zeros },
      ...(averageDecays && { average: { shape: [count] } }),
      ...(clip && { norm: { shape: [1], values: [clip.norm] } }),
    },
    runs: Array.from({ length: updates }, (_, i) =>
      adamValues({ ...options, learningRate, weightDecay, averageDecay: averageDecays?.[i], update: i + 1 })),
    record(tape, { value, gradient, m, v, average, norm }) {
      adam(tape, { ...options, value: value!, gradient: gradient!, m: m!, v: v!, average, clip: clip && { norm: norm!, max: clip.max } });
      return { value: value!, m: m!, v: v!, ...(average && { average }) };
    },
    expected(given) {
      const { value, m, v, average } = walk(given, shape) as Record<'value' | 'm' | 'v' | 'average', Float64Array>;
      const tolerance = roundingError(updates * roundingsPerUpdate);
      // A step is at most the learning rate where the gradient stays the same.
      const reach = given.value!.map((x) => Math.abs(x) + updates * learningRate);
      const all = {
        value: { value, scale: reach, tolerance },
        m: { value: m, scale: m!.map(Math.abs), tolerance },
        v: { value: v, scale: v, tolerance },
      };
      if (!averageDecays) return all;
      const scale = given.average!.map((x, i) => Math.abs(x) + reach[i]!);
      return { ...all, average: { value: average, scale, tolerance } };
    },
  };
}

export const adamCases: readonly KernelCase[] = [
  { count: 4, updates: 1, learningRate: 2e-4 },
  { count: 64 * 4, updates: 3, learningRate: 0.1 },
  { count: 65 * 4, updates: 10, learningRate: 2e-4 },
  { count: 65 * 4, updates: 4, learningRate: 0.1, weightDecay: 0.3 },
  { count: 65 * 4, updates: 4, learningRate: 0.1, averageDecays: [0, 0.4, 0.5, 0.9999] },
  { count: 65 * 4, updates: 2, learningRate: 0.1, clip: { norm: 80, max: 0.5 } },
  { count: 65 * 4, updates: 2, learningRate: 0.1, clip: { norm: 0, max: 0.5 } },
  {
    count: 65 * 4, updates: 3, learningRate: 0.1,
    weightDecay: 0.01, averageDecays: [0, 0.4, 0.5], clip: { norm: 1e6, max: 1 },
  },
].map(adamCase);
