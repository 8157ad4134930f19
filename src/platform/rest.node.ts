/**
 * Lets the processor rest while dawn.node waits. It asks Dawn whether a promise is done in every turn of Node's event loop, without
 * a pause, and so takes a core, and fills the heap with rubbish, while the kernels of a software adapter want that core.
 */

/** What has been waited for this many times as long as a pause may wait for one more: a result is late by 3 % at most. */
const turnsPerPause = 32;

/** Milliseconds for which the event loop stands still at most, or the shortest pause: timers and files wait as long. */
const longestPause = 2;

/** The shortest pause that a system can make, in ms; Windows counts time in ticks of a sixty-fourth of a second. */
const shortestPause = process.platform === 'win32' ? 1000 / 64 : 0.05;

const nobody = new Int32Array(new SharedArrayBuffer(4)); // whoever waits for it to change waits for as long as they say
let pending = 0;
let since = 0;
let turning = false;

/** Pauses the polling until `promise` is settled, each pause in proportion to how long it has been waited for. */
export function rest(promise: Promise<unknown>): void {
  const settled = (): void => {
    pending--;
    since = performance.now();
  };
  promise.then(settled, settled);
  pending++;
  since = performance.now();
  if (turning) return;
  turning = true;
  setImmediate(turn);
}

/** One turn of the event loop, in which dawn.node asks as well. */
function turn(): void {
  turning = pending > 0;
  if (!turning) return;
  const pause = Math.min((performance.now() - since) / turnsPerPause, Math.max(longestPause, shortestPause));
  if (pause >= shortestPause) Atomics.wait(nobody, 0, 0, pause);
  setImmediate(turn);
}
