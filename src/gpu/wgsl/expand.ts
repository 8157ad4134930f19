/**
 * The small textual expansion that fast kernels need, because WGSL has no unrolling and no conditional declarations:
 *
 *   //@each r ROWS          repeats the lines up to //@end for r = 0 … ROWS − 1, with {r} replaced; {r/LANES}, {r%4} too
 *   //@if GATE  … //@else … //@end    keeps one side: GATE is a constant of the kernel that is not 0; //@if !GATE
 *
 * Names are constants of the kernel (see `KernelSpec`). The directives are comments, and blocks may be nested.
 */

/** Values of the generated header: a number becomes `const NAME = 4u;`, a string `alias NAME = vec4f;`. */
export type Constants = Readonly<Record<string, number | string>>;

export interface Expanded {
  readonly lines: readonly string[];
  /** For each line its number in the file, from 1. */
  readonly origin: readonly number[];
}

export function expand(text: string, constants: Constants, file: string): Expanded {
  const source = text.split('\n');
  const lines: string[] = [];
  const origin: number[] = [];
  const fail = (at: number, what: string): never => {
    throw new Error(`${file}:${at + 1}: ${what}`);
  };
  const numberOf = (name: string, scope: ReadonlyMap<string, number>, at: number): number => {
    if (/^\d+$/.test(name)) return Number(name);
    const value = scope.get(name) ?? constants[name];
    return typeof value === 'number' ? value : fail(at, `'${name}' is not a numeric constant of this kernel`);
  };

  /** Emits [from, to); directives are resolved, and `scope` has the loop variables. */
  const emit = (from: number, to: number, scope: ReadonlyMap<string, number>): void => {
    for (let at = from; at < to; at++) {
      const directive = /^\s*\/\/@(\w+)\s*(.*?)\s*$/.exec(source[at]!);
      if (!directive) {
        lines.push(source[at]!.replace(/\{(\w+)(?:([/%*])(\w+))?\}/g, (whole, name: string, operator?: string, other?: string) => {
          if (!scope.has(name)) return whole; // braces of WGSL itself
          const a = scope.get(name)!;
          if (!operator) return String(a);
          const b = numberOf(other!, scope, at);
          return String(operator === '/' ? Math.floor(a / b) : operator === '%' ? a % b : a * b);
        }));
        origin.push(at + 1);
        continue;
      }
      const { otherwise, end } = blockFrom(source, at, to) ?? fail(at, `//@${directive[1]} has no //@end`);
      if (directive[1] === 'each') {
        const [variable, count] = directive[2]!.split(/\s+/) as [string, string];
        const times = numberOf(count ?? '', scope, at);
        for (let value = 0; value < times; value++) emit(at + 1, end, new Map([...scope, [variable, value]]));
      } else if (directive[1] === 'if') {
        const negated = directive[2]!.startsWith('!');
        const holds = (numberOf(directive[2]!.replace('!', ''), scope, at) !== 0) !== negated;
        if (holds) emit(at + 1, otherwise ?? end, scope);
        else if (otherwise !== undefined) emit(otherwise + 1, end, scope);
      } else {
        fail(at, `//@${directive[1]} is not known here`);
      }
      at = end;
    }
  };
  emit(0, source.length, new Map());
  return { lines, origin };
}

/** Where the block that begins at `start` has its else and its end. */
function blockFrom(source: readonly string[], start: number, to: number): { otherwise?: number; end: number } | undefined {
  let depth = 0;
  let otherwise: number | undefined;
  for (let at = start; at < to; at++) {
    const word = /^\s*\/\/@(\w+)/.exec(source[at]!)?.[1];
    if (word === 'each' || word === 'if') depth++;
    else if (word === 'else' && depth === 1) otherwise = at;
    else if (word === 'end' && --depth === 0) return { otherwise, end: at };
  }
  return undefined;
}
