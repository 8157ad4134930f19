/**
 * The samplers as their papers write them, in terms of the noise ε that the network predicts, one number or one clip
 * after the other. Levels are given from the cleanest (0) to the noisiest by ᾱ and t; ᾱ below the cleanest is 1.
 */

export interface ReferenceWalk {
  readonly alphaBar: ArrayLike<number>;
  readonly t: ArrayLike<number>;
  /** x at the noisiest level. */
  readonly start: Float64Array;
  /** ε_θ(x, t). */
  readonly predict: (x: Float64Array, t: number) => Float64Array;
  /** z of the step that begins at level i; not asked for where nothing is drawn. */
  readonly noise: (i: number) => Float64Array;
}

type Update = (parts: { x: Float64Array; epsilon: Float64Array; i: number; alphaBar: number; next: number }) => Float64Array;

/** x at every level from the start to the sound. */
function walkWith({ alphaBar, t, start, predict }: ReferenceWalk, update: Update): Float64Array[] {
  const sequence = [start];
  for (let i = alphaBar.length - 1; i >= 0; i--) {
    const x = sequence[sequence.length - 1];
    sequence.push(update({ x: x!, epsilon: predict(x!, t[i]!), i, alphaBar: alphaBar[i]!, next: i > 0 ? alphaBar[i - 1]! : 1 }));
  }
  return sequence;
}

/**
 * Ho et al. 2020, algorithm 2, with β of the step from level to level (Nichol and Dhariwal 2021, eq. 19). σ² is β, or
 * the posterior's (eq. 7); the last step draws nothing.
 */
export function ancestralWalk(options: ReferenceWalk & { variance: 'beta' | 'posterior' }): Float64Array[] {
  return walkWith(options, ({ x, epsilon, i, alphaBar, next }) => {
    const beta = 1 - alphaBar / next;
    const variance = options.variance === 'beta' ? beta : ((1 - next) / (1 - alphaBar)) * beta;
    const z = i > 0 ? options.noise(i) : new Float64Array(x.length);
    const mean = x.map((value, k) => (value - (beta / Math.sqrt(1 - alphaBar)) * epsilon[k]!) / Math.sqrt(1 - beta));
    return mean.map((value, k) => value + Math.sqrt(variance) * z[k]!);
  });
}

/** Song et al. 2021, eq. 12: "predicted x_0", "direction pointing to x_t", "random noise"; σ of eq. 16. */
export function ddimWalk(options: ReferenceWalk & { eta: number }): Float64Array[] {
  return walkWith(options, ({ x, epsilon, i, alphaBar, next }) => {
    const sigma = options.eta * Math.sqrt((1 - next) / (1 - alphaBar)) * Math.sqrt(1 - alphaBar / next);
    const z = sigma > 0 ? options.noise(i) : new Float64Array(x.length);
    return x.map((value, k) => {
      const x0 = (value - Math.sqrt(1 - alphaBar) * epsilon[k]!) / Math.sqrt(alphaBar);
      return Math.sqrt(next) * x0 + Math.sqrt(1 - next - sigma ** 2) * epsilon[k]! + sigma * z[k]!;
    });
  });
}

/**
 * Lu et al. 2022 ("DPM-Solver++"), algorithm 2, by λ = ln(α/σ). Its first step is of first order; so is the last one
 * here, which ends at σ = 0, where it is x̂_0.
 */
export function dpmSolverWalk(options: ReferenceWalk): Float64Array[] {
  const lambda = (level: number): number => Math.log(Math.sqrt(level) / Math.sqrt(1 - level));
  let last: { x0: Float64Array; h: number } | undefined;
  return walkWith(options, ({ x, epsilon, alphaBar, next }) => {
    const x0 = x.map((value, k) => (value - Math.sqrt(1 - alphaBar) * epsilon[k]!) / Math.sqrt(alphaBar));
    if (next === 1) return x0;
    const h = lambda(next) - lambda(alphaBar);
    const before = last;
    const r = before ? before.h / h : NaN;
    const D = before ? x0.map((value, k) => (1 + 1 / (2 * r)) * value - (1 / (2 * r)) * before.x0[k]!) : x0;
    last = { x0, h };
    return x.map((value, k) =>
      (Math.sqrt(1 - next) / Math.sqrt(1 - alphaBar)) * value - Math.sqrt(next) * (Math.exp(-h) - 1) * D[k]!);
  });
}

/**
 * The places in a training schedule that a short list of β is aligned to, as lmnt-com/diffwave computes them
 * (`inference.py`): T.append(t + (√ᾱ_t − √ᾱ_s)/(√ᾱ_t − √ᾱ_{t+1})) for the first t with ᾱ_{t+1} ≤ ᾱ_s ≤ ᾱ_t.
 */
export function alignBetas(training: ArrayLike<number>, betas: readonly number[]): number[] {
  const cumulated = (values: ArrayLike<number>): number[] => {
    let product = 1;
    return Array.from(values, (beta) => (product *= 1 - beta));
  };
  const trained = cumulated(training);
  const places: number[] = [];
  for (const wanted of cumulated(betas)) {
    for (let t = 0; t < trained.length - 1; t++) {
      if (!(trained[t + 1]! <= wanted && wanted <= trained[t]!)) continue;
      const twiddle = (Math.sqrt(trained[t]!) - Math.sqrt(wanted)) / (Math.sqrt(trained[t]!) - Math.sqrt(trained[t + 1]!));
      places.push(t + twiddle);
      break;
    }
  }
  return places;
}
