import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import type { Values } from '../gpu/program.ts';
import { workgroupsFor } from './lanes.ts';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1; ε added to √v̂) on flat buffers, in place. All four have the same number of
 * elements, a multiple of 4. Learning rate and bias corrections are given to `run`, see `adamValues`.
 */
export function adam(tape: Tape, options: AdamOptions & { value: Tensor; gradient: Tensor; m: Tensor; v: Tensor }): void {
  const { gradient, beta1, beta2, epsilon } = options;
  for (const tensor of [gradient, options.m, options.v]) expectShape(tensor, options.value.shape, 'adam');
  const count = gradient.length / 4;
  if (!Number.isInteger(count)) throw new TypeError(`adam: wanted a multiple of 4 elements, got ${gradient}`);
  tape.record({
    kernel: { shader: 'adam', entry: 'forward' },
    reads: { gradient },
    writes: { value: tape.updated(options.value), m: tape.updated(options.m), v: tape.updated(options.v) },
    params: { count, beta1, beta2, oneMinusBeta1: 1 - beta1, oneMinusBeta2: 1 - beta2, epsilon },
    step: true,
    workgroups: workgroupsFor(count),
  });
}

/** The step uniform of `adam`. `update` counts from 1. */
export function adamValues(options: AdamOptions & { learningRate: number; update: number }): Values {
  const { learningRate, update, beta1, beta2 } = options;
  return { learningRate, correction1: 1 / (1 - beta1 ** update), correction2: 1 / (1 - beta2 ** update) };
}
