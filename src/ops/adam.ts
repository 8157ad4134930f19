import type { Tape } from '../autograd/tape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import { expectShape } from '../autograd/tensor.ts';
import type { Values } from '../gpu/program/dispatch.ts';
import { workgroupsFor } from './lanes.ts';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export interface AdamTensors {
  readonly value: Tensor;
  readonly gradient: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  /** A running mean of the value that follows every update. */
  readonly average?: Tensor;
  /** The gradient is scaled by min(1, max/norm); `norm` is that of all gradients, (1). */
  readonly clip?: { readonly norm: Tensor; readonly max: number };
}

/**
 * Adam (Kingma & Ba 2015, algorithm 1; ε added to √v̂) on flat buffers, in place, and in the same pass what is usual
 * around it: gradient clipping by norm (Pascanu et al. 2013, algorithm 1), decoupled weight decay (Loshchilov & Hutter
 * 2019, algorithm 2), a running mean of the weights. All but the norm have the same number of elements, a multiple of
 * 4. What changes from update to update is given to `run`, see `adamValues`.
 */
export function adam(tape: Tape, options: AdamOptions & AdamTensors): void {
  const { gradient, average, clip, beta1, beta2, epsilon } = options;
  for (const tensor of [gradient, options.m, options.v, ...(average ? [average] : [])]) {
    expectShape(tensor, options.value.shape, 'adam');
  }
  if (clip) expectShape(clip.norm, [1], 'adam');
  const count = gradient.length / 4;
  if (!Number.isInteger(count)) throw new TypeError(`adam: wanted a multiple of 4 elements, got ${gradient}`);
  tape.record({
    kernel: { shader: 'adam', entry: 'forward', constants: { AVERAGE: Number(!!average), CLIP: Number(!!clip) } },
    reads: { gradient, ...(clip && { norm: clip.norm }) },
    writes: {
      value: tape.updated(options.value),
      m: tape.updated(options.m),
      v: tape.updated(options.v),
      ...(average && { average: tape.updated(average) }),
    },
    params: {
      count, beta1, beta2, oneMinusBeta1: 1 - beta1, oneMinusBeta2: 1 - beta2, epsilon, maxNorm: clip?.max ?? 0,
    },
    step: true,
    workgroups: workgroupsFor(count),
  });
}

/**
 * The step uniform of `adam`. `update` counts from 1. The value also loses learningRate·weightDecay of itself, and the
 * average moves by 1 − averageDecay towards the value.
 */
export function adamValues(options: AdamOptions & {
  learningRate: number; update: number; weightDecay?: number; averageDecay?: number;
}): Values {
  const { learningRate, update, beta1, beta2, weightDecay = 0, averageDecay = 0 } = options;
  return {
    learningRate,
    correction1: 1 / (1 - beta1 ** update),
    correction2: 1 / (1 - beta2 ** update),
    decay: learningRate * weightDecay,
    share: 1 - averageDecay,
  };
}
