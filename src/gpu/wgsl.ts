/**
 * What can be read off a WGSL file: its bindings by name with their access, and the fields of its uniform structs.
 * The shader is thereby the only place where a binding number or a uniform's layout is written down.
 *
 * Not a WGSL parser: it knows the declarations that this project's shaders use, and refuses others.
 */

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

/** Values of the generated header: a number becomes `const NAME = 4u;`, a string `alias NAME = vec4f;`. */
export type Constants = Readonly<Record<string, number | string>>;

const bindingPattern =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(storage|uniform)\s*(?:,\s*(read_write|read)\s*)?>\s*(\w+)\s*:\s*([^;]+);/g;
const structPattern = /struct\s+(\w+)\s*\{([^}]*)\}/g;
const fieldPattern = /^(\w+)\s*:\s*(u32|i32|f32)$/;

export function parseInterface(text: string, stem: string): ShaderInterface {
  const code = stripComments(text);
  const bindings = new Map<string, Binding>();
  for (const [, index, space, access, name, type] of code.matchAll(bindingPattern)) {
    const kind: Access = space === 'uniform' ? 'uniform' : access === 'read_write' ? 'read_write' : 'read';
    bindings.set(name!, { name: name!, index: Number(index), access: kind, type: type!.trim() });
  }
  const declared = code.match(/@binding\(/g)?.length ?? 0;
  if (declared !== bindings.size) {
    throw new Error(`shaders/${stem}.wgsl: ${declared} bindings, of which ${bindings.size} have a distinct name and the form this project uses`);
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

/** Packs `values` by field name into the bytes of a uniform struct of 4-byte scalars. */
export function packUniform(fields: readonly Field[], values: Readonly<Record<string, number>>, view: DataView, what: string): void {
  fields.forEach((field, position) => {
    const value = values[field.name];
    if (value === undefined) throw new Error(`${what}: no value for the uniform '${field.name}'`);
    if (field.type === 'f32') view.setFloat32(position * 4, value, true);
    else if (field.type === 'u32') view.setUint32(position * 4, value, true);
    else view.setInt32(position * 4, value, true);
  });
}

/** Puts the generated header behind the file's directives, which WGSL wants first; returns text and shift of lines. */
export function withHeader(text: string, constants: Constants): { code: string; headerLine: number; headerLines: number } {
  const lines = text.split('\n');
  let last = -1;
  lines.forEach((line, index) => {
    if (/^\s*(enable|requires|diagnostic)\b.*;/.test(line)) last = index;
  });
  const header = Object.entries(constants).map(([name, value]) =>
    typeof value === 'string' ? `alias ${name} = ${value};` : `const ${name} = ${value}u;`,
  );
  return {
    code: [...lines.slice(0, last + 1), ...header, ...lines.slice(last + 1)].join('\n'),
    headerLine: last + 1,
    headerLines: header.length,
  };
}

function stripComments(text: string): string {
  return text.replace(/\/\/[^\n]*/g, '').replace(/\/\*[\s\S]*?\*\//g, '');
}
