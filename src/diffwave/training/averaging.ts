/** The exponential moving average (EMA) of the weights, which is what one samples from. */

/** How fast the average's memory grows with the updates; as in the EMA of Karras et al.'s and of Hugging Face's code. */
const warmUpPower = 3 / 4;

/**
 * Part of the average that stays at update `step`, counted from 0: min(largest, 1 − (1 + step)^−3/4). The warm-up lets
 * the average forget the initial weights: at first it is the weights themselves, later it reaches back over about
 * step^3/4 updates, and with the customary 0.9999 (Ho et al. 2020, appendix B) from update 215,443 on over 10,000.
 */
export function averageDecayAt(step: number, largest: number): number {
  return Math.min(largest, 1 - (1 + step) ** -warmUpPower);
}
