/** The training loss: how far the predicted noise is from the noise that was added. */

interface Loss {
  readonly kind: 'mse' | 'l1';
  readonly predicted: Float64Array;
  readonly target: Float64Array; // of the same length
}

/** The mean over all elements of (predicted − target)², or of |predicted − target|. */
export function loss({ kind, predicted, target }: Loss): number {
  let sum = 0;
  predicted.forEach((p, i) => (sum += kind === 'mse' ? (p - target[i]) ** 2 : Math.abs(p - target[i])));
  return sum / predicted.length;
}

// mse: y = Σ(p − q)²/N  ⇒  dp = 2(p − q)/N        l1: y = Σ|p − q|/N  ⇒  dp = sign(p − q)/N, 0 where p = q
/** The gradient of `loss` in `predicted`. */
export function lossBackward({ kind, predicted, target }: Loss): Float64Array {
  const N = predicted.length;
  return predicted.map((p, i) => (kind === 'mse' ? 2 * (p - target[i]) : Math.sign(p - target[i])) / N);
}
