/** A run's log.jsonl on the disk. */
import { readJsonLines } from '../../disk/jsonLines.node.ts';
import type { LogEntry } from './logEntries.ts';
import { isLogEntry } from './logEntries.ts';

/** The lines so far, but for what is none. */
export function readLogEntries(path: string): LogEntry[] {
  return readJsonLines<LogEntry>(path, isLogEntry);
}
