/** What `npm run overfit` says at its end. */
import type { Verdict } from '../../../src/evaluation/overfit.ts';
import { PASS_RULE } from '../../../src/evaluation/overfit.ts';
import type { Recognition } from '../../../src/evaluation/recognise.ts';

/** Mean correlation below which a sample is like no clip: chance gives 0.1 to 0.2. */
const likeNothing = 0.35;

/** Of the first loss: a network that is still above has learned nothing yet. */
const hardlyLess = 0.7;

/** Updates after which it should have. */
const enoughToLearn = 500;

/** A line for every sample: which clip it is, how alike, and how alike the best wrong clip is. */
export function recognitionTable(samples: readonly Recognition[]): string {
  const rows = samples.map(({ clip, best, bestWrong, lag, isRecognised }, i) => [
    String(i + 1).padStart(6),
    (isRecognised ? String(clip + 1) : `none (${clip + 1}?)`).padStart(9),
    best.toFixed(2).padStart(11),
    bestWrong.toFixed(2).padStart(13),
    `${(1000 * lag).toFixed(0)} ms`.padStart(7),
  ].join('  '));
  return ['sample    is clip  correlation  with the next     late', ...rows].join('\n');
}

/** PASS or FAIL with the figures, and the rule. */
export function verdictLine({ passed, recognised, reached, meanLikeness, meanWrong }: Verdict, count: number): string {
  const clips = reached.map((times, clip) => `clip ${clip + 1} ${times} ×`).join(', ');
  return `${passed ? 'PASS' : 'FAIL'}: ${recognised} of ${count} samples recognised (${clips}); mean correlation ${meanLikeness.toFixed(2)} with the clip, ` +
    `${meanWrong.toFixed(2)} with the next\nrule: ${PASS_RULE}`;
}

/** What a FAIL most probably means, in one line, and what to do. `verify` is how that command is typed. */
export function adviceLine(verdict: Verdict, { updates, firstLoss, lastLoss, count, verify }: {
  updates: number; firstLoss: number; lastLoss: number; count: number; verify: string;
}): string {
  const { recognised, reached, meanLikeness } = verdict;
  if (!(lastLoss < hardlyLess * firstLoss)) {
    const went = `advice: the loss went from ${firstLoss.toFixed(2)} to ${lastLoss.toFixed(2)} in ${updates} updates`;
    return updates < enoughToLearn
      ? `${went}: that is too early to say anything; give it more`
      : `${went}: that is no lack of training, but an error; \`${verify}\` finds out whether a kernel is wrong on this adapter`;
  }
  if (meanLikeness < likeNothing) {
    return 'advice: the loss fell, but the samples have a spectrum and nothing else: give it more updates (three times as many) before you ' +
      'suspect anything; if that changes nothing, sampling is to blame';
  }
  if (recognised < count) {
    return `advice: it is on the way, with a mean correlation of ${meanLikeness.toFixed(2)}: nothing is wrong, it is not trained enough; give it twice as many updates`;
  }
  const missing = reached.flatMap((times, clip) => (times === 0 ? [clip + 1] : [])).join(' and ');
  return `advice: every sample is a clip, but none is clip ${missing}: that may be chance; ask for more samples, or take another seed`;
}
