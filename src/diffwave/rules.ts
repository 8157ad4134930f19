/** Rules for the fields of a configuration, and how a broken one is explained. */
import { UserError } from '../errors.ts';

/** What a field must be: the test, and the test in words. */
export interface Rule {
  readonly accepts: (value: unknown) => boolean;
  readonly wanted: string;
}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isBetween = (value: unknown, low: number, high: number): boolean =>
  typeof value === 'number' && value > low && value < high;

export const COUNT: Rule = { accepts: isCount, wanted: 'a whole number from 1' };
export const FRACTION: Rule = { accepts: (value) => isBetween(value, 0, 1), wanted: 'a number between 0 and 1' };
export const DECAY: Rule = { accepts: (value) => value === 0 || isBetween(value, 0, 1), wanted: 'a number from 0 to below 1' };
export const COUNT_OR_NULL: Rule = {
  accepts: (value) => value === null || isCount(value),
  wanted: 'a whole number from 1, or null',
};
export const POSITIVE_OR_NULL: Rule = {
  accepts: (value) => value === null || isBetween(value, 0, Infinity),
  wanted: 'a number above 0, or null',
};
export const FROM_ZERO: Rule = { accepts: (value) => value === 0 || isBetween(value, 0, Infinity), wanted: 'a number from 0' };
export const WHOLE: Rule = {
  accepts: (value) => value === 0 || isCount(value),
  wanted: 'a whole number from 0 to 2^53 - 1',
};
export const POSITIVE: Rule = { accepts: (value) => isBetween(value, 0, Infinity), wanted: 'a number above 0' };
export const oneOf = (...names: string[]): Rule => ({
  accepts: (value) => names.includes(value as string),
  wanted: names.map((name) => `"${name}"`).join(' or '),
});

/** A field that may be left out. */
export const optional = ({ accepts, wanted }: Rule): Rule => ({ accepts: (value) => value === undefined || accepts(value), wanted });

/** Throws a UserError with the first field that breaks its rule, what was wanted and what came. */
export function applyRules<T extends object>(
  { values, rules, where }: { values: T; rules: Readonly<Record<keyof T, Rule>>; where: string },
): void {
  for (const field of Object.keys(rules) as (keyof T & string)[]) {
    const { accepts, wanted } = rules[field];
    if (!accepts(values[field])) {
      const came = typeof values[field] === 'number' ? String(values[field]) : JSON.stringify(values[field]);
      throw new UserError(`${where}: ${field} must be ${wanted}, not ${came ?? 'missing'}.`);
    }
  }
}
