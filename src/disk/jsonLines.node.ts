/** Files of one JSON object a line, which grow while a run goes on. */
import { existsSync } from 'node:fs';
import { readFileOrExplain } from './files.node.ts';

/**
 * The objects in such a file that `isSound`; there are none where there is no file. A line that a crash cut off, or that something
 * else was written into, is left out.
 */
export function readJsonLines<T extends object>(path: string, isSound: (entry: Partial<Record<keyof T, unknown>>) => boolean): T[] {
  if (!existsSync(path)) return [];
  return new TextDecoder().decode(readFileOrExplain(path, 'lines of JSON')).split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as T | null;
      return typeof entry === 'object' && entry !== null && isSound(entry) ? [entry] : [];
    } catch {
      return [];
    }
  });
}
