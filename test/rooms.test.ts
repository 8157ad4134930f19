/** The project's architecture as far as import lines show it: imports point downward, and files stay small. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('rooms');
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The rooms, each with what it may import, itself aside. A name means the files of that very room; with a slash at its end
 * it means those of the rooms within as well. '' is src/ itself: the leaves that everyone may use.
 */
const ALLOWED: Record<string, string[]> = {
  '': [],
  disk: [''],
  platform: ['disk', ''],
  audio: [''],
  formats: [''],
  pictures: ['audio'],
  dataset: ['formats', 'audio', 'disk', ''],

  'gpu/wgsl': [''],
  'gpu/device': ['gpu/wgsl', 'platform', ''],
  'gpu/program': ['gpu/device', 'gpu/wgsl', ''],
  autograd: ['gpu/', ''],
  ops: ['autograd', 'gpu/', ''],

  diffwave: ['diffwave/training', 'diffwave/model', 'diffwave/data', 'diffwave/schedule', 'dataset', ''],
  'diffwave/schedule': ['diffwave', 'ops', 'audio', ''],
  'diffwave/data': ['diffwave', 'audio', ''],
  'diffwave/model': ['diffwave/data', 'diffwave/schedule', 'diffwave', 'ops', 'autograd', 'gpu/', 'formats', 'audio', ''],
  'diffwave/training': ['diffwave/model', 'diffwave/data', 'diffwave/schedule', 'diffwave', 'ops', 'autograd', 'gpu/', 'audio', ''],
  'diffwave/validation': ['diffwave/model', 'diffwave/data', 'diffwave/schedule', 'diffwave', 'ops', 'autograd', 'gpu/', 'audio', ''],
  'diffwave/sampling': ['diffwave/sampling/', 'diffwave/model', 'diffwave/schedule', 'diffwave', 'ops', 'autograd', 'gpu/', 'audio', ''],
  'diffwave/sampling/samplers': ['diffwave/schedule', 'ops', ''],
  'diffwave/files': [
    'diffwave/training', 'diffwave/validation', 'diffwave/model', 'diffwave/data', 'diffwave', 'dataset', 'gpu/', 'pictures', 'formats', 'disk', '',
  ],

  evaluation: ['diffwave/data', 'diffwave', 'audio', ''],

  reference: [],
  verify: ['verify/cases', 'diffwave/', 'ops', 'autograd', 'gpu/', 'formats', 'reference', ''],
  'verify/cases': ['verify', 'ops', 'autograd', 'gpu/', 'reference', ''],
  roofline: ['verify/', 'diffwave/model', 'autograd', 'gpu/', ''],
  tuning: ['verify/', 'diffwave/', 'autograd', 'gpu/', 'reference', 'disk', ''],
};

/** They join the rooms into one whole, so they may import from all of them; no room imports them. */
const JOINTS = ['src/index.ts', 'src/index.node.ts', 'src/page.ts', 'src/web.ts', 'src/tape.ts'];

/** What pages in web/ may import of the package. */
const PUBLIC = 'src/web.ts';

/** What an independent truth may share with what it judges: the definition of the random bits. */
const SHARED_WITH_REFERENCE = 'src/random.ts';

const MAX_LINES = 300;

interface Import {
  from: string; // path of the importing file, in the project
  to: string; // path of the imported file in the project, or the name of a package
}

/** Import and export-from declarations and dynamic imports of one source text. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const resolve = (name: string) => (name.startsWith('.') ? posix.join(dirname(from), name) : name);
  const fixed = code.matchAll(/^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm);
  const dynamic = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [...fixed, ...dynamic].map(([, name]) => ({ from, to: resolve(name!) }));
}

/** `gpu/wgsl` for src/gpu/wgsl/expand.ts, '' for src/errors.ts, undefined outside src/. */
function roomOf(path: string): string | undefined {
  return path.startsWith('src/') ? path.split('/').slice(1, -1).join('/') : undefined;
}

function isAmong(rooms: readonly string[], room: string): boolean {
  return rooms.some((name) => (name.endsWith('/') ? `${room}/`.startsWith(name) : room === name));
}

/** What is wrong with an import, or undefined. */
function fault({ from, to }: Import): string | undefined {
  const [source, target] = [roomOf(from), roomOf(to)];
  const isNodeOnly = to.startsWith('node:') || to === 'webgpu' || to.endsWith('.node.ts');
  const say = (reason: string) => `${from} imports ${to}: ${reason}`;
  if (source !== undefined && isNodeOnly && !from.endsWith('.node.ts')) {
    return say('only *.node.ts files may need Node');
  }
  if (target === 'reference' && from.startsWith('scripts/')) return say('the reference is for tests, bench and verify');
  if (from.startsWith('web/') && /^(src|scripts|test|bench)\//.test(to) && to !== PUBLIC) return say(`pages use the package as others do, by ${PUBLIC}`);
  if (source === undefined || JOINTS.includes(from)) return undefined;
  if (target === undefined) return /^(scripts|test|bench|web)\//.test(to) ? say('upward') : undefined;
  if (!(source in ALLOWED)) return say(`room ${source} is not in the order`);
  if (source === 'reference' && to === SHARED_WITH_REFERENCE) return undefined;
  const isDownward = source === target || isAmong(ALLOWED[source]!, target);
  return isDownward && !JOINTS.includes(to) ? undefined : say('upward');
}

/** Circles of imports, types included: each as the files on the way from one to itself. */
function circles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of imports) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) return void found.push([...way.slice(way.indexOf(file)), file]);
    if (done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => pattern.test(file))
    .sort();
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const folders = ['src', 'scripts', 'test', 'bench', 'shaders', 'web'].filter((folder) => existsSync(join(root, folder)));
const sources = folders.flatMap((folder) => filesBelow(folder, /\.(ts|mjs|wgsl|css)$/));

const imports = sources.filter((file) => /\.(ts|mjs)$/.test(file)).flatMap((file) => importsOf(file, read(file)));

test('imports point downward', () => {
  assert.ok(imports.length > 0);
  assert.equal(imports.map(fault).filter(Boolean), []);
});

test('no file imports itself by way of others', () => {
  assert.equal(circles(imports).map((way) => way.join(' → ')), []);
  const arrows = ['a>b', 'b>c', 'c>a', 'c>d', 'd>d'].map((arrow) => arrow.split('>'));
  const drawn = circles(arrows.map(([from, to]) => ({ from: from!, to: to! })));
  assert.equal(drawn, [['a', 'b', 'c', 'a'], ['d', 'd']]);
});

test('the check sees what it should', () => {
  const faultOf = (from: string, line: string) => importsOf(from, line).map(fault)[0];
  for (const [from, line] of [
    ['src/gpu/a.ts', `import { b } from '../ops/b.ts';`],
    ['src/gpu/a.ts', `import type {\n  B,\n} from '../autograd/b.ts';`],
    ['src/audio/a.ts', `import '../gpu/b.ts';`],
    ['src/ops/a.ts', `export { b } from '../diffwave/b.ts';`],
    ['src/ops/a.ts', `const b = await import('../verify/b.ts');`],
    ['src/gpu/wgsl/a.ts', `import { b } from '../program/b.ts';`],
    ['src/diffwave/model/a.ts', `import { b } from '../training/b.ts';`],
    ['src/diffwave/training/a.ts', `import { b } from '../sampling/b.ts';`],
    ['src/diffwave/sampling/samplers/a.ts', `import { b } from '../b.ts';`],
    ['src/errors.ts', `import { b } from './gpu/b.ts';`],
    ['src/reference/a.ts', `import { b } from '../errors.ts';`],
    ['src/diffwave/a.ts', `import { b } from '../reference/b.ts';`],
    ['src/diffwave/a.ts', `import { b } from '../index.ts';`],
    ['src/verify/a.ts', `import { b } from '../../scripts/b.ts';`],
    ['scripts/a.ts', `import { b } from '../src/reference/b.ts';`],
    ['src/gpu/a.ts', `import { b } from 'node:fs';`],
    ['src/gpu/a.ts', `const b = await import('webgpu');`],
    ['src/audio/a.ts', `import { b } from '../disk/files.node.ts';`],
    ['src/diffwave/files/a.ts', `const b = await import('../../disk/files.node.ts');`],
    ['web/engine/a.ts', `import { b } from '../../src/gpu/b.ts';`],
    ['src/attic/a.ts', `import { b } from '../gpu/b.ts';`],
  ]) assert.ok(faultOf(from!, line!), `${from}: ${line}`);
  for (const [from, line] of [
    ['src/ops/a.ts', `import { b } from '../gpu/b.ts';`],
    ['src/verify/a.ts', `import { b } from '../reference/b.ts';`],
    ['src/audio/a.node.ts', `import { b } from 'node:fs';`],
    ['src/diffwave/files/a.node.ts', `const b = await import('../../disk/files.node.ts');`],
    ['src/verify/a.ts', `import { b } from '../gpu/device/b.ts';`],
    ['src/diffwave/training/a.ts', `import { b } from '../streams.ts';`],
    ['src/diffwave/sampling/a.ts', `import { b } from './samplers/b.ts';`],
        ['test/ops/a.test.ts', `import { b } from '../../src/reference/b.ts';`],
    ['web/engine/a.ts', `import { b } from '../../src/web.ts';`],
    ['src/gpu/a.ts', `// import { b } from '../ops/b.ts';`],
  ]) assert.is(faultOf(from!, line!), undefined, `${from}: ${line}`);
});

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = sources
    .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.equal(long, []);
});

test.run();
