/**
 * What can be read off a WGSL file: its bindings by name with their access, and the fields of its uniform structs.
 * The shader is thereby the only place where a binding number or a uniform's layout is written down.
 *
 * Not a WGSL parser: it knows the declarations that this project's shaders use, and refuses others.
 */
import type { Constants } from './expand.ts';
import { expand } from './expand.ts';

export type Access = 'read' | 'read_write' | 'uniform';

export interface Binding {
  readonly name: string;
  readonly index: number;
  readonly access: Access;
  /** The WGSL type, for uniforms the name of a struct of this file. */
  readonly type: string;
}

export interface Field {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

export interface ShaderInterface {
  readonly bindings: ReadonlyMap<string, Binding>;
  readonly structs: ReadonlyMap<string, readonly Field[]>;
}

const bindingPattern =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(storage|uniform)\s*(?:,\s*(read_write|read)\s*)?>\s*(\w+)\s*:\s*([^;]+);/g;
const structPattern = /struct\s+(\w+)\s*\{([^}]*)\}/g;
const fieldPattern = /^(\w+)\s*:\s*(u32|i32|f32)$/;

export function parseInterface(text: string, file: string): ShaderInterface {
  const code = stripComments(text);
  const bindings = new Map<string, Binding>();
  for (const [, index, space, access, name, type] of code.matchAll(bindingPattern)) {
    const kind: Access = space === 'uniform' ? 'uniform' : access === 'read_write' ? 'read_write' : 'read';
    bindings.set(name!, { name: name!, index: Number(index), access: kind, type: type!.trim() });
  }
  const declared = code.match(/@binding\(/g)?.length ?? 0;
  if (declared !== bindings.size) {
    throw new Error(`${file}: ${declared} bindings, of which ${bindings.size} have a distinct name and the form this project uses`);
  }
  const structs = new Map<string, Field[]>();
  for (const [, name, body] of code.matchAll(structPattern)) {
    const fields = body!.split(',').map((line) => line.trim()).filter((line) => line !== '');
    const parsed = fields.map((line) => fieldPattern.exec(line));
    if (parsed.some((match) => match === null)) continue; // a struct that is not a plain uniform
    structs.set(name!, parsed.map((match) => ({ name: match![1]!, type: match![2] as Field['type'] })));
  }
  return { bindings, structs };
}

/** Packs `values` by field name into the bytes of a uniform struct of 4-byte scalars. Throws a RangeError on integers that do not fit. */
export function packUniform(fields: readonly Field[], values: Readonly<Record<string, number>>, view: DataView, what: string): void {
  fields.forEach((field, position) => {
    const value = values[field.name];
    if (value === undefined) throw new Error(`${what}: no value for the uniform '${field.name}'`);
    if (field.type === 'f32') return view.setFloat32(position * 4, value, true);
    // What does not fit would wrap around, and a counter of random numbers would repeat them.
    const [least, most] = field.type === 'u32' ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1];
    if (!(Number.isInteger(value) && value >= least && value <= most)) throw new RangeError(`${what}: the uniform '${field.name}' cannot be ${value}`);
    if (field.type === 'u32') view.setUint32(position * 4, value, true);
    else view.setInt32(position * 4, value, true);
  });
}

/**
 * The text that the compiler sees: directives of `expand.ts` resolved, and the generated header of constants behind
 * the file's `enable` lines, which WGSL wants first. `origin` has for each line its number in the file, 0 in the header.
 */
export function assemble(text: string, constants: Constants, file: string): { code: string; origin: readonly number[] } {
  const { lines, origin } = expand(text, constants, file);
  const directives = lines.findLastIndex((line) => /^\s*(enable|requires|diagnostic)\b.*;/.test(line)) + 1;
  const header = Object.entries(constants).map(([name, value]) =>
    typeof value === 'string' ? `alias ${name} = ${value};` : `const ${name} = ${value}u;`,
  );
  return {
    code: [...lines.slice(0, directives), ...header, ...lines.slice(directives)].join('\n'),
    origin: [...origin.slice(0, directives), ...header.map(() => 0), ...origin.slice(directives)],
  };
}

function stripComments(text: string): string {
  return text.replace(/\/\/[^\n]*/g, '').replace(/\/\*[\s\S]*?\*\//g, '');
}
