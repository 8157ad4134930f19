/** One number for how far a training is: a loss jitters from update to update, so it is a mean over many. */

/** Updates whose mean says something: with t drawn uniformly it still spreads by a tenth or so. */
export const enoughUpdates = 100;

/** A mean loss of the updates since the report before. */
export interface LossReport {
  readonly step: number; // updates done
  readonly loss: number;
}

/**
 * The mean loss of the newest updates, and of how many: of as many of the newest reports as it takes to have `enoughUpdates`, or of
 * all. `begun` is the number of updates before the first report. A loss that is no number makes the mean NaN.
 */
export function recentLoss(reports: readonly LossReport[], begun = 0): { readonly loss: number; readonly updates: number } {
  let [sum, updates] = [0, 0];
  for (let i = reports.length - 1; i >= 0 && updates < enoughUpdates; i--) {
    const { step, loss } = reports[i]!;
    const count = step - (reports[i - 1]?.step ?? begun);
    sum += count * (loss ?? NaN); // a log has null there
    updates += count;
  }
  return { loss: sum / updates, updates };
}
