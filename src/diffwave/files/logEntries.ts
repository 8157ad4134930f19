/** The lines of a run's log.jsonl and validation.jsonl, wherever they are kept. */
import type { Progress, Recovery } from '../training/loop.ts';
import type { Validation } from '../validation/validation.ts';

/** A report, of earlier versions without the norm. */
export type ReportEntry = Pick<Progress, 'step' | 'loss' | 'learningRate' | 'seconds'> & Partial<Pick<Progress, 'gradientNorm'>>;

/** The GPU was lost and training went on. */
export type RecoveryEntry = Recovery & { readonly event: 'device lost' };

/** From the next update on the run is trained on other data, because the user said so. */
export interface NewDataEntry {
  readonly event: 'new data';
  readonly step: number; // updates on the data of before
  readonly data: string; // path, as the user typed it
  readonly fingerprint: string; // of the new data, see `contentFingerprint`
}

export type LogEntry = ReportEntry | RecoveryEntry | NewDataEntry;

/** Whether a line of log.jsonl, parsed, is one. */
export function isLogEntry({ event, step, loss, seconds }: Readonly<Record<string, unknown>>): boolean {
  return Number.isSafeInteger(step) && (event !== undefined || ((typeof loss === 'number' || loss === null) && typeof seconds === 'number'));
}

/** Whether a line stays when the run goes on from the checkpoint of `step`, as against what it will do again. */
export function staysAt(step: number, entry: LogEntry): boolean {
  if (!('event' in entry)) return entry.step <= step;
  // Data are new from the update on that follows: the checkpoint of that very step is of the data before.
  if (entry.event === 'new data') return entry.step < step;
  // A loss of the GPU on the way to this checkpoint stays told, also where it came after it: the updates since the snapshot were
  // done again.
  return entry.resumedFrom <= step;
}

/** Whether a line of validation.jsonl, parsed, is one. */
export function isValidation({ step, loss, bins }: Readonly<Record<string, unknown>>): boolean {
  return Number.isSafeInteger(step) && typeof loss === 'number' && Array.isArray(bins) && bins.every(isBin);
}

function isBin(bin: Readonly<Record<keyof Validation['bins'][number], unknown>> | null): boolean {
  return typeof bin === 'object' && bin !== null && (['from', 'to', 'loss', 'wiener', 'zero'] as const).every((name) => typeof bin[name] === 'number');
}
