/**
 * One step of Adam (Kingma and Ba 2015, algorithm 1), in place on `value` and on the moments `m` and `v`, which are
 * zero before step 1. Epsilon is added to the corrected √v̂, as in the paper's algorithm and in PyTorch. Weight decay is
 * decoupled and multiplied by the learning rate, as in PyTorch's AdamW.
 */
export function adam(
  { value, gradient, m, v, step, learningRate, beta1, beta2, epsilon, weightDecay = 0 }: {
    readonly value: Float64Array;
    readonly gradient: Float64Array;
    readonly m: Float64Array; // running mean of the gradient
    readonly v: Float64Array; // running mean of its square
    readonly step: number; // counted from 1
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay?: number;
  },
): void {
  const correction1 = 1 - beta1 ** step;
  const correction2 = 1 - beta2 ** step;
  for (let i = 0; i < value.length; i++) {
    m[i] = beta1 * m[i]! + (1 - beta1) * gradient[i]!;
    v[i] = beta2 * v[i]! + (1 - beta2) * gradient[i]! ** 2;
    value[i]! *= 1 - learningRate * weightDecay;
    value[i]! -= (learningRate * (m[i]! / correction1)) / (Math.sqrt(v[i]! / correction2) + epsilon);
  }
}

/** A running mean of `value` moves on by one update, in place: `decay` of it stays. */
export function follow({ average, value, decay }: {
  readonly average: Float64Array;
  readonly value: Float64Array;
  readonly decay: number;
}): void {
  value.forEach((x, i) => (average[i] = decay * average[i]! + (1 - decay) * x));
}

/** A gradient whose norm is above `max`, scaled to that norm (Pascanu, Mikolov and Bengio 2013, algorithm 1). */
export function clipped({ gradient, norm, max }: {
  readonly gradient: Float64Array;
  readonly norm: number;
  readonly max: number;
}): Float64Array {
  return norm > max ? gradient.map((g) => (g * max) / norm) : gradient;
}
