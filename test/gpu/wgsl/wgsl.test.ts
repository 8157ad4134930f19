/** What is read off WGSL files, and what is put in front of them. */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assemble, packUniform, parseInterface } from '../../../src/gpu/wgsl/wgsl.ts';

const test = suite('wgsl');

const folder = new URL('../../../shaders/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.wgsl'));

const shader = `// @group(0) @binding(7) var<storage, read> comment: array<f32>;
@group(0) @binding(0) var<storage, read> x: array<vec4f>; // (B, L)
@group(0) @binding(3)
var<storage, read_write> y : array<vec4f>;
struct Params {
  count: u32, // B·L
  shift: i32,
  factor: f32,
}
/* struct Hidden { a: u32 } */
struct Other { inner: Params }
@group(0) @binding(1) var<uniform> params: Params;
`;

test('bindings with their access, structs with their fields; comments do not count', () => {
  const { bindings, structs } = parseInterface(shader, 'shaders/mine.wgsl');
  assert.equal([...bindings.values()], [
    { name: 'x', index: 0, access: 'read', type: 'array<vec4f>' },
    { name: 'y', index: 3, access: 'read_write', type: 'array<vec4f>' },
    { name: 'params', index: 1, access: 'uniform', type: 'Params' },
  ]);
  assert.equal([...structs.keys()], ['Params']);
  assert.equal(structs.get('Params'), [
    { name: 'count', type: 'u32' }, { name: 'shift', type: 'i32' }, { name: 'factor', type: 'f32' },
  ]);
});

test('a declaration of another form, or a name twice, is not overlooked', () => {
  for (const line of [
    '@group(1) @binding(4) var<storage, read> z: array<f32>;',
    '@group(0) @binding(4) var texture: texture_2d<f32>;',
    '@group(0) @binding(4) var<storage, read> x: array<f32>;',
  ]) {
    assert.throws(() => parseInterface(shader + line, 'shaders/mine.wgsl'), /shaders\/mine\.wgsl: 4 bindings, of which 3 have/);
  }
});

test('there are shaders', () => assert.ok(files.length > 15));

for (const file of files) {
  const text = readFileSync(new URL(file, folder), 'utf8');
  if (/^\s*\/\/@/m.test(text)) continue; // has declarations that exclude each other; it is read after its expansion
  test(`${file}: every binding is understood, and has a number of its own`, () => {
    const { bindings, structs } = parseInterface(text, file);
    assert.ok([...bindings.values()].some(({ access }) => access === 'read_write'), 'writes something');
    const numbers = [...bindings.values()].map(({ index }) => index);
    assert.is(new Set(numbers).size, numbers.length);
    for (const name of ['params', 'step']) {
      const binding = bindings.get(name);
      if (binding) assert.ok(structs.get(binding.type)?.length, `the fields of ${name}`);
    }
  });
}

test('the header goes behind the directives, and every line knows its number in the file', () => {
  const text = '// a comment\nenable f16;\nrequires something;\n\nfn f() {}\n';
  const { code, origin } = assemble(text, { Lane: 'vec4f', TAPS: 3 }, 'shaders/mine.wgsl');
  assert.equal(code.split('\n'), [
    '// a comment', 'enable f16;', 'requires something;',
    'alias Lane = vec4f;', 'const TAPS = 3u;',
    '', 'fn f() {}', '',
  ]);
  assert.equal(origin, [1, 2, 3, 0, 0, 4, 5, 6]);
  assert.is(assemble('fn f() {}', { A: 1 }, 'shaders/mine.wgsl').code, 'const A = 1u;\nfn f() {}');
  assert.is(assemble(text, {}, 'shaders/mine.wgsl').code, text);
});

test('uniforms are packed by name, in the order and types of the struct', () => {
  const fields = parseInterface(shader, 'shaders/mine.wgsl').structs.get('Params')!;
  const view = new DataView(new ArrayBuffer(16));
  packUniform(fields, { factor: 0.5, shift: -2, count: 2 ** 32 - 1, more: 9 }, view, 'shaders/mine.wgsl');
  assert.is(view.getUint32(0, true), 2 ** 32 - 1);
  assert.is(view.getInt32(4, true), -2);
  assert.is(view.getFloat32(8, true), 0.5);
  assert.throws(
    () => packUniform(fields, { count: 1, shift: 1 }, view, 'mine.forward'),
    /mine\.forward: no value for the uniform 'factor'/,
  );
  for (const [name, value] of [['count', 2 ** 32], ['count', -1], ['count', 0.5], ['shift', 2 ** 31], ['shift', -(2 ** 31) - 1], ['count', NaN]] as const) {
    assert.throws(() => packUniform(fields, { count: 1, shift: 1, factor: 1, [name]: value }, view, 'mine.forward'), /mine\.forward: the uniform '\w+' cannot be/);
  }
});

test.run();
