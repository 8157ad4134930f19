/** Flags of a command: the specification that a script writes, its typed values, and the parser. */
import { UserError } from '../../../src/errors.ts';

interface FlagBase {
  help: string;
  placeholder?: string; // what the usage shows for the value, e.g. <folder>
}

interface TextFlag extends FlagBase {
  type: 'string';
  default?: string;
  required?: boolean;
  choices?: readonly string[];
}

interface NumberFlag extends FlagBase {
  type: 'number' | 'integer';
  default?: number;
  required?: boolean;
  min?: number; // smallest value allowed
  max?: number; // largest value allowed
  above?: number; // not allowed itself
  below?: number; // not allowed itself
}

/** Present or not; takes no value. */
interface BooleanFlag extends FlagBase { type: 'boolean' }

/** Takes all values up to the next flag, and may be repeated. */
interface ListFlag extends FlagBase { type: 'strings' }

export type FlagSpec = TextFlag | NumberFlag | BooleanFlag | ListFlag;

export interface PositionalSpec {
  name: string;
  help: string;
  required?: boolean;
  many?: boolean; // takes all that are left; the last one only
}

export interface CommandSpec {
  name: string;
  summary: string; // one line
  positionals?: readonly PositionalSpec[];
  flags: Readonly<Record<string, FlagSpec>>; // key cropSamples is typed as --crop-samples
}

type FlagValue<F extends FlagSpec> =
  F extends { type: 'boolean' } ? boolean
  : F extends { type: 'strings' } ? string[]
  : F extends { required: true } | { default: string | number } ? Scalar<F>
  : Scalar<F> | undefined;
type Scalar<F extends FlagSpec> =
  F extends { choices: readonly (infer Choice)[] } ? Choice : F extends { type: 'string' } ? string : number;
type PositionalValue<P extends PositionalSpec> =
  P extends { many: true } ? string[] : P extends { required: true } ? string : string | undefined;

/** What the user typed, by the names of the specification. */
export interface Parsed<S extends CommandSpec> {
  flags: { [Key in keyof S['flags']]: FlagValue<S['flags'][Key]> };
  positionals: S extends { positionals: readonly PositionalSpec[] }
    ? { [P in S['positionals'][number] as P['name']]: PositionalValue<P> }
    : Record<string, never>;
  given: ReadonlySet<keyof S['flags']>; // flags that were typed, as against their defaults
}

/** `cropSamples` as it is typed: `--crop-samples`. */
export function typed(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Reads `argv` (without Node and script). Throws a `UserError` that names the flag on everything the spec forbids. */
export function parse<const S extends CommandSpec>(spec: S, argv: readonly string[]): Parsed<S> {
  const keys = new Map(Object.keys(spec.flags).map((key) => [typed(key), key]));
  const values = new Map<string, string | number | boolean | string[]>();
  const words: string[] = [];
  const given = new Set<string>();
  const rest = [...argv];
  while (rest.length > 0) {
    const word = rest.shift()!;
    if (word === '--') {
      words.push(...rest.splice(0));
    } else if (!looksLikeFlag(word)) {
      words.push(word);
    } else {
      const [name, inline] = splitOnce(word);
      const key = keys.get(name);
      if (key === undefined) throw unknownFlag(name, [...keys.keys(), '--help']);
      const flag = spec.flags[key];
      if (given.has(key) && flag!.type !== 'strings') throw new UserError(`${name} is given twice`);
      given.add(key);
      if (flag!.type === 'boolean') {
        if (inline !== undefined) throw new UserError(`${name} takes no value, got '${inline}'`);
        values.set(key, true);
      } else {
        const texts = inline !== undefined ? [inline] : takeValues(rest, flag!.type === 'strings' ? Infinity : 1);
        if (texts.length === 0) throw new UserError(`${withPlaceholder(name, flag!)} needs a value`);
        values.set(key, flag!.type === 'strings'
          ? [...(values.get(key) as string[] | undefined ?? []), ...texts]
          : readValue(name, flag!, texts[0]!));
      }
    }
  }
  const positionals = readPositionals(spec.positionals ?? [], words);
  const flags = Object.fromEntries(Object.entries(spec.flags).map(([key, flag]) =>
    [key, values.get(key) ?? missingValue(typed(key), flag)]));
  return { flags, positionals, given } as unknown as Parsed<S>;
}

/** A dash starts a flag, but not a negative number, and a dash alone is a value. */
function looksLikeFlag(word: string): boolean {
  return /^-./.test(word) && !/^-\.?\d/.test(word);
}

function splitOnce(word: string): [name: string, value: string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function takeValues(rest: string[], most: number): string[] {
  const end = rest.findIndex(looksLikeFlag);
  return rest.splice(0, Math.min(most, end < 0 ? rest.length : end));
}

function readValue(name: string, flag: TextFlag | NumberFlag, text: string): string | number {
  if (flag.type === 'string') {
    if (text === '') throw new UserError(`${name} needs a value, got an empty one`);
    if (flag.choices && !flag.choices.includes(text)) {
      throw new UserError(`${name} must be ${flag.choices.join(' or ')}, got '${text}'`);
    }
    return text;
  }
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value)) throw new UserError(`${name} must be a number, got '${text}'`);
  if (flag.type === 'integer' && !Number.isSafeInteger(value)) {
    throw new UserError(`${name} must be a whole number, got '${text}'`);
  }
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = flag;
  if (value >= min && value <= max && value > above && value < below) return value;
  throw new UserError(`${name} must be ${rangeOf(flag)}, got ${text}`);
}

/** `at least 1 and below 5`, or nothing where every number is allowed. */
export function rangeOf({ min, max, above, below }: NumberFlag): string {
  return [
    min !== undefined && `at least ${min}`,
    above !== undefined && `above ${above}`,
    max !== undefined && `at most ${max}`,
    below !== undefined && `below ${below}`,
  ].filter(Boolean).join(' and ');
}

function missingValue(name: string, flag: FlagSpec): string | number | boolean | string[] | undefined {
  if (flag.type === 'boolean') return false;
  if (flag.type === 'strings') return [];
  if (flag.required) throw new UserError(`${withPlaceholder(name, flag)} is required`);
  return flag.default;
}

function withPlaceholder(name: string, { placeholder }: FlagSpec): string {
  return placeholder ? `${name} ${placeholder}` : name;
}

function readPositionals(specs: readonly PositionalSpec[], words: string[]): Record<string, unknown> {
  const left = [...words];
  const values = specs.map(({ name, required, many }) => {
    if (required && left.length === 0) throw new UserError(`<${name}> is required`);
    return [name, many ? left.splice(0) : left.shift()];
  });
  if (left.length > 0) throw new UserError(`unexpected argument '${left[0]}'`);
  return Object.fromEntries(values);
}

function unknownFlag(name: string, known: string[]): UserError {
  const guess = nearest(name, known);
  return new UserError(`unknown flag ${name}${guess ? `, did you mean ${guess}?` : '; --help lists them'}`);
}

/** What somebody who typed `name` probably meant; undefined where nothing is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [closest] = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return closest && closest.distance <= Math.max(2, name.length / 3) ? closest.candidate : undefined;
}

/** Levenshtein's distance: the fewest letters inserted, deleted or replaced to turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
