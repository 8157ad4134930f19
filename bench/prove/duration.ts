/** Durations as people write them. */
import { UserError } from '../../src/errors.ts';

const units: Readonly<Record<string, number>> = { s: 1, min: 60, m: 60, h: 3600 };

/** Seconds of '8min', '90s', '1.5h' or '480'. Throws a `UserError` that names the flag. */
export function secondsOf(text: string, flag: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(s|min|m|h)?$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * units[unit]!;
  if (!(seconds > 0)) throw new UserError(`${flag} wants a time such as 8min, 90s or 1h, not '${text}'`);
  return seconds;
}
