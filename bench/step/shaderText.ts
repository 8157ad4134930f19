/**
 * What a kernel's text says about its workgroups: how many invocations they have, how much workgroup memory, and roughly how
 * many registers. Not a compiler: it knows the WGSL that this project writes.
 */
import type { KernelSpec } from '../../src/gpu/wgsl/kernels.ts';
import { expand } from '../../src/gpu/wgsl/expand.ts';
import { evaluate } from './expression.ts';

export interface KernelFacts {
  /** Invocations of a workgroup. */
  readonly threads: number;
  /** Bytes of workgroup memory that the entry point reaches. */
  readonly workgroupBytes: number;
  /** 32-bit registers of an invocation, estimated: see `registersOf`. */
  readonly registers: number;
}

/** What the compiler needs beside the variables that are written: addresses, loop bounds, what it hoists. */
const otherRegisters = 16;

interface Shader {
  readonly constants: ReadonlyMap<string, number>;
  readonly aliases: ReadonlyMap<string, string>;
  /** Bodies of functions, by name. */
  readonly functions: ReadonlyMap<string, { readonly head: string; readonly body: string }>;
  /** Types of the variables outside of functions, by name. */
  readonly variables: ReadonlyMap<string, { readonly space: string; readonly type: string }>;
}

/** The facts of a kernel whose file has this text. Throws where the text has something that is not understood here. */
export function kernelFacts(text: string, kernel: KernelSpec): KernelFacts {
  const { code, shader } = read(text, kernel);
  const entry = new RegExp(String.raw`@workgroup_size\(([^;{]*?)\)\s*(?:@compute\s*)?fn\s+${kernel.entry}\s*\(`).exec(code);
  if (!entry) throw new Error(`${kernel.shader}: no entry point '${kernel.entry}' with a @workgroup_size`);
  const threads = entry[1]!.split(',').reduce((product, size) => product * evaluate(size, shader.constants), 1);
  const reached = [...reach(shader, kernel.entry)].map((name) => shader.functions.get(name)!.body).join('\n');
  let workgroupBytes = 0;
  for (const [name, { space, type }] of shader.variables) {
    if (space === 'workgroup' && new RegExp(String.raw`\b${name}\b`).test(reached)) workgroupBytes += sizeOf(shader, type);
  }
  return { threads, workgroupBytes, registers: registersOf(shader, kernel.entry) + otherRegisters };
}

function read(text: string, kernel: KernelSpec): { code: string; shader: Shader } {
  const { constants: header = {}, overrides = {}, shader: stem } = kernel;
  const code = expand(text, header, stem).lines.join('\n').replace(/\/\/[^\n]*/g, '');
  const constants = new Map<string, number>(Object.entries(overrides).map(([name, value]) => [name, Number(value)]));
  const aliases = new Map<string, string>();
  for (const [name, value] of Object.entries(header)) {
    if (typeof value === 'string') aliases.set(name, value);
    else constants.set(name, value);
  }
  for (const [, name, type] of code.matchAll(/\balias\s+(\w+)\s*=\s*([^;]+);/g)) aliases.set(name!, type!.trim());
  for (const [, name, value] of outsideFunctions(code).matchAll(/\b(?:const|override)\s+(\w+)\s*(?::\s*\w+\s*)?=\s*([^;]+);/g)) {
    if (constants.has(name!)) continue;
    try {
      constants.set(name!, evaluate(value!, constants));
    } catch {
      continue; // a vector or a matrix: no size depends on it
    }
  }
  const functions = new Map<string, { head: string; body: string }>();
  for (const match of code.matchAll(/\bfn\s+(\w+)\s*\(/g)) {
    const start = code.indexOf('{', closing(code, match.index + match[0].length - 1));
    functions.set(match[1]!, { head: code.slice(match.index, start), body: code.slice(start, closing(code, start) + 1) });
  }
  const variables = new Map<string, { space: string; type: string }>();
  for (const [, space, name, type] of code.matchAll(/\bvar<\s*(\w+)[^>]*>\s*(\w+)\s*:\s*([^;]+);/g)) {
    variables.set(name!, { space: space!, type: type!.trim() });
  }
  return { code, shader: { constants, aliases, functions, variables } };
}

/** Where the bracket at `open` is closed. */
function closing(code: string, open: number): number {
  const [left, right] = code[open] === '(' ? ['(', ')'] : ['{', '}'];
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === left) depth++;
    else if (code[at] === right && --depth === 0) return at;
  }
  throw new Error(`a '${left}' is not closed`);
}

/** The text without what stands in braces. */
function outsideFunctions(code: string): string {
  let depth = 0;
  let text = '';
  for (const letter of code) {
    if (letter === '{') depth++;
    else if (letter === '}') depth--;
    else if (depth === 0) text += letter;
  }
  return text;
}

/** The functions that `entry` calls, and those that they call, itself included. */
function reach({ functions }: Shader, entry: string): Set<string> {
  const reached = new Set<string>([entry]);
  for (const name of reached) { // grows while it is walked
    for (const [, called] of functions.get(name)!.body.matchAll(/\b(\w+)\s*\(/g)) if (functions.has(called!)) reached.add(called!);
  }
  return reached;
}

/** Splits at the commas that stand in no brackets. */
function topLevel(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const letter of text) {
    if ('(<['.includes(letter)) depth++;
    if (')>]'.includes(letter)) depth--;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

/** Bytes of a type. */
function sizeOf(shader: Shader, type: string): number {
  const name = type.replace(/\s+/g, '');
  if (/^array<.*>$/.test(name)) {
    const [element, count] = topLevel(name.slice('array<'.length, -1));
    if (count !== undefined) return sizeOf(shader, element!) * evaluate(count, shader.constants);
  }
  const vector = /^vec([234])(?:<(\w+)>|([fiuh]))$/.exec(name);
  if (vector) return (vector[1] === '2' ? 2 : 4) * (vector[2] === 'f16' || vector[3] === 'h' ? 2 : 4);
  const atomic = /^atomic<(\w+)>$/.exec(name);
  if (atomic) return 4;
  if (/^(f32|u32|i32|bool)$/.test(name)) return 4;
  if (name === 'f16') return 2;
  // A matrix lies in the registers of a whole subgroup: this is the share of an invocation.
  const matrix = /^subgroup_matrix_\w+<(\w+),(\w+),(\w+)>$/.exec(name);
  if (matrix) {
    const [columns, rows] = [evaluate(matrix[2]!, shader.constants), evaluate(matrix[3]!, shader.constants)];
    return (columns * rows * sizeOf(shader, matrix[1]!)) / evaluate('SUBGROUP', shader.constants);
  }
  const alias = shader.aliases.get(name);
  if (alias !== undefined) return sizeOf(shader, alias);
  throw new Error(`the size of '${type}' is not known here`);
}

/**
 * The most 32-bit words of variables that are in scope at once, those of called functions on top: what an invocation would
 * keep in registers if every variable lived as long as its block. Compilers end lives earlier and start loads sooner, so the
 * true number may be off by a quarter in either direction; arithmetic, to compare kernels with each other.
 */
function registersOf(shader: Shader, name: string): number {
  const { head, body } = shader.functions.get(name)!;
  const types = new Map<string, string>();
  const words = (type: string): number => Math.ceil(sizeOf(shader, type) / 4);
  let live = 0;
  for (const [, parameter, type] of head.matchAll(/(\w+)\s*:\s*([\w<>]+)/g)) {
    if (head.includes(`@builtin`)) live += 1;
    else {
      types.set(parameter!, type!);
      live += isSized(shader, type!) ? words(type!) : 1;
    }
  }
  let most = live;
  const blocks: number[] = [];
  for (const part of body.split(/(?<=[{};])/)) {
    for (const [, called] of part.matchAll(/\b(\w+)\s*\(/g)) {
      if (called !== name && shader.functions.has(called!)) most = Math.max(most, live + registersOf(shader, called!));
    }
    const declared = /\b(?:var|let)\s+(\w+)\s*(?::\s*([^=;]+?))?\s*(?:=\s*([\s\S]+?))?;$/.exec(part.trim());
    if (declared) {
      const [, variable, written, value = ''] = declared;
      const type = written ?? typeOf(shader, types, value);
      types.set(variable!, type);
      live += isSized(shader, type) ? words(type) : 1;
      most = Math.max(most, live);
    }
    if (part.endsWith('{')) blocks.push(live);
    else if (part.endsWith('}')) live = blocks.pop() ?? live;
  }
  return most;
}

function isSized(shader: Shader, type: string): boolean {
  try {
    sizeOf(shader, type);
    return true;
  } catch {
    return false;
  }
}

/** The type of an expression as far as a size depends on it; 'u32' where it is nothing wide. */
function typeOf(shader: Shader, types: ReadonlyMap<string, string>, value: string): string {
  const element = (type: string): string => /^array<(.+?)(?:,[^<>]*)?>$/.exec(type.replace(/\s+/g, ''))?.[1] ?? type;
  const isWide = (type: string): boolean => {
    const name = shader.aliases.get(type) ?? type;
    return /^(vec|mat|array|subgroup_matrix)/.test(name);
  };
  // A component, or an index into a vector, is a scalar; so is what dot() makes.
  const text = value.replace(/\bdot\s*\([^()]*\)/g, '0.0');
  const made = /\b(vec[234](?:<\w+>|[fiuh]))\s*\(/.exec(text);
  if (made) return made[1]!;
  for (const [name, , index, component] of text.matchAll(/\b([A-Za-z_]\w*)\s*(\[[^\]]*\])?(\s*\.\s*[xyzwrgba]\b)?/g)) {
    if (component !== undefined) continue;
    const word = /^\w+/.exec(name)![0];
    const type = types.get(word) ?? shader.variables.get(word)?.type;
    const called = shader.functions.get(word)?.head.match(/->\s*([\w<>]+)/)?.[1];
    const own = type !== undefined && index !== undefined ? (type.startsWith('array') ? element(type) : 'f32') : (called ?? type);
    if (own !== undefined && isWide(own) && !own.startsWith('array')) return own;
    if (shader.aliases.has(word) && isWide(word)) return word; // Lane(0.0)
  }
  return 'u32';
}
