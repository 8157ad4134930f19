import { adam, adamValues } from '../ops/adam.ts';
import { adam as adamTruth } from '../reference/adam.ts';
import type { Given, KernelCase } from './case.ts';
import { divisionRoundings, roundingError } from './case.ts';

const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Of one update: constants, moments, corrections, and a root and a division that WGSL allows six each. */
const roundingsPerUpdate = 10 + 2 * divisionRoundings;

/** Value and moments after `updates` steps along one gradient. */
function walk({ value, gradient, m, v }: Given, { updates, learningRate }: { updates: number; learningRate: number }) {
  const state = { value: value.slice(), gradient, m: m.slice(), v: v.slice() };
  for (let step = 1; step <= updates; step++) adamTruth({ ...state, step, learningRate, ...options });
  return state;
}

export function adamCase({ count, updates, learningRate }: {
  count: number; updates: number; learningRate: number;
}): KernelCase {
  const zeros = new Array<number>(count).fill(0);
  return {
    stem: 'adam',
    name: `${count} values, ${updates} updates`,
    inputs: {
      value: { shape: [count] },
      gradient: { shape: [count], edges: [0, 1e-8, -1e-6, 1e4] },
      m: { shape: [count], values: zeros },
      v: { shape: [count], values: zeros },
    },
    runs: Array.from({ length: updates }, (_, i) => adamValues({ ...options, learningRate, update: i + 1 })),
    record(tape, { value, gradient, m, v }) {
      adam(tape, { ...options, value, gradient, m, v });
      return { value, m, v };
    },
    expected(given) {
      const { value, m, v } = walk(given, { updates, learningRate });
      const tolerance = roundingError(updates * roundingsPerUpdate);
      // A step is at most the learning rate where the gradient stays the same.
      const scale = given.value.map((x) => Math.abs(x) + updates * learningRate);
      return {
        value: { value, scale, tolerance },
        m: { value: m, scale: m.map(Math.abs), tolerance },
        v: { value: v, scale: v, tolerance },
      };
    },
  };
}

export const adamCases: readonly KernelCase[] = [
  { count: 4, updates: 1, learningRate: 2e-4 },
  { count: 64 * 4, updates: 3, learningRate: 0.1 },
  { count: 65 * 4, updates: 10, learningRate: 2e-4 },
].map(adamCase);
