/** The training loss: how far the predicted noise is from the noise that was added. */

interface Loss {
  readonly kind: 'mse' | 'l1';
  readonly predicted: Float64Array;
  readonly target: Float64Array; // of the same length
  readonly weight?: ArrayLike<number>; // (B), of every item; 1 if absent
}

/** The weight of an element's item. */
function weightOf({ predicted, weight }: Loss, element: number): number {
  return weight ? weight[Math.floor((element * weight.length) / predicted.length)]! : 1;
}

/** The mean over all elements of (predicted − target)², or of |predicted − target|, each times its item's weight. */
export function loss(options: Loss): number {
  const { kind, predicted, target } = options;
  let sum = 0;
  predicted.forEach((p, i) => {
    sum += weightOf(options, i) * (kind === 'mse' ? (p - target[i]!) ** 2 : Math.abs(p - target[i]!));
  });
  return sum / predicted.length;
}

// mse: y = Σ(p − q)²/N  ⇒  dp = 2(p − q)/N        l1: y = Σ|p − q|/N  ⇒  dp = sign(p − q)/N, 0 where p = q;
// both times the item's weight
/** The gradient of `loss` in `predicted`. */
export function lossBackward(options: Loss): Float64Array {
  const { kind, predicted, target } = options;
  const N = predicted.length;
  return predicted.map((p, i) =>
    (weightOf(options, i) * (kind === 'mse' ? 2 * (p - target[i]!) : Math.sign(p - target[i]!))) / N);
}
