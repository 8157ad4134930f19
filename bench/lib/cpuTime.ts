/**
 * Processor seconds of this process without its main thread: what a software adapter's kernels cost however busy the
 * machine is otherwise. Linux only; undefined elsewhere.
 */
import { readFileSync, readdirSync } from 'node:fs';

const tasks = '/proc/self/task';

export function workerSeconds(): number | undefined {
  let threads: string[];
  try {
    threads = readdirSync(tasks);
  } catch {
    return undefined;
  }
  let nanoseconds = 0;
  for (const thread of threads) {
    if (Number(thread) === process.pid) continue; // the main thread polls
    try {
      nanoseconds += Number(readFileSync(`${tasks}/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      continue; // the thread has just ended
    }
  }
  return nanoseconds / 1e9;
}
