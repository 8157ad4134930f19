/**
 * The package as somebody else gets it: built, packed, installed into an empty folder, used there with plain Node, with
 * TypeScript, and by a bundler for browsers.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sine, temporaryFolder } from './audio/helpers.ts';

const test = suite('package');

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder({ 'package.json': '{ "name": "user", "private": true, "type": "module" }' });
const installed = join(folder, 'node_modules', 'diffwave-webgpu');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Result { readonly status: number | null; readonly stdout: string; readonly stderr: string }

function run(program: string, args: readonly string[], cwd = folder, env = process.env): Result {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** npm as it is running this, or as it is found. */
function npm(args: readonly string[], cwd = folder): string {
  const path = process.env.npm_execpath ?? '';
  const result = basename(path).startsWith('npm-cli') ? run(process.execPath, [path, ...args], cwd) : run('npm', args, cwd);
  assert.is(result.status, 0, result.stderr);
  return result.stdout;
}

function node(args: readonly string[], env = process.env): string {
  const { status, stdout, stderr } = run(process.execPath, args, folder, env);
  assert.is(status, 0, stderr);
  return stdout;
}

/**
 * What a user has. Where the machine has no adapter, the runner was started again with the software adapter and would pass on what it
 * got: then every command here has to start itself again, without a loader for TypeScript, and must not stand in its own way.
 */
const { DIFFWAVE_RESTARTED: restarted, LD_LIBRARY_PATH: _libraries, VK_DRIVER_FILES: _driver, ...bare } = process.env;
const ofUser = restarted ? bare : process.env;

const bin = join(folder, 'node_modules', '.bin', 'diffwave');
const diffwave = (...args: string[]): string => node([bin, ...args], ofUser);

test.before(() => {
  const built = run(process.execPath, [join(root, 'scripts', 'launch.mjs'), 'scripts/build.ts']);
  assert.is(built.status, 0, built.stdout + built.stderr);
  npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root);
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', `./diffwave-webgpu-${version}.tgz`]);
});

test('has what it needs and nothing else', () => {
  assert.equal(readdirSync(installed).sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'music', 'package.json', 'test']);
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
  assert.equal(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')), [], 'no sources that plain Node cannot run');
  assert.equal(files.filter((file) => file.endsWith('.js') && file.startsWith('dist/src') && !files.includes(`${file}.map`)), []);
  assert.ok(!existsSync(join(folder, 'node_modules', 'typescript')) && !existsSync(join(folder, 'node_modules', 'tsx')));
  for (const file of files.filter((each) => each.endsWith('.map'))) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, file), 'utf8'));
    assert.is(sourcesContent?.length, sources.length, file);
  }
});

test('the command: version, help, mistakes, completion', () => {
  assert.is(diffwave('--version'), `${version}\n`);
  for (const name of ['demo', 'dataset', 'train', 'sample', 'evaluate', 'schedule', 'report', 'web', 'overfit', 'verify', 'info', 'tune']) {
    assert.match(diffwave('--help'), new RegExp(`^  ${name} `, 'm'));
    assert.match(diffwave(name, '--help'), `npx diffwave ${name}`);
  }
  const wrong = run(process.execPath, [bin, 'trian']);
  assert.is(wrong.status, 1);
  assert.match(wrong.stderr, /^diffwave: there is no command 'trian', did you mean train\?\n$/);
  assert.match(diffwave('complete', '--', 'tr'), /^train\t/m);
  assert.match(diffwave('complete', '--', 'train', '--crop'), /^--crop-samples\t/m);
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) assert.match(diffwave('complete', shell), 'diffwave');
  for (const words of [[], ['basj'], ['bash', 'zsh']]) {
    const { status, stdout, stderr } = run(process.execPath, [bin, 'complete', ...words]);
    assert.equal([status, stdout, stderr], [1, '', 'diffwave: complete wants one shell: bash, zsh, fish, powershell\n']);
  }
});

test('from music to sound', () => {
  cpSync(temporaryFolder({
    'music/a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 22050 }),
    'music/b.wav': sine({ hertz: 660, sampleRate: 22050, samples: 22050 }),
  }), folder, { recursive: true });
  assert.match(diffwave('info'), /^adapter +\S/m);
  assert.match(diffwave('dataset', 'music', '--out', 'set', '--seconds', '1', '--splits', '2'), 'next: npx diffwave train --data set');
  const flags = ['--data', 'set', '--out', 'run', '--preset', 'tiny', '--crop-samples', '512', '--validation-tracks', '0'];
  assert.match(diffwave('train', ...flags, '--steps', '3'), 'listen with: npx diffwave sample --run run');
  assert.match(diffwave('train', ...flags, '--steps', '4', '--resume'), 'saved step 4');
  diffwave('sample', '--run', 'run', '--seconds', '0.2', '--steps', '4', '--out', 'sounds');
  assert.is(readFileSync(join(folder, 'sounds', 'sample-seed0-0.wav')).subarray(0, 4).toString(), 'RIFF');
  assert.match(diffwave('report', '--run', 'run'), 'report');
  assert.match(diffwave('train', '--data', 'music', '--out', 'again', '--preset', 'tiny', '--crop-samples', '512', '--batch-size', '1', '--steps', '2'), 'saved step 2 in again');
  assert.match(diffwave('train', '--data', 'music', '--out', 'again', '--steps', '3', '--resume'), 'saved step 3 in again');
  assert.match(diffwave('evaluate', '--run', 'run', '--held-out', 'music', '--count', '2', '--seconds', '0.5'), 'Fréchet');
  const overfit = run(process.execPath, [bin, 'overfit', '--out', 'overfit', '--steps', '2', '--count', '1'], folder, ofUser);
  assert.is(overfit.status, 1);
  assert.match(overfit.stdout, /^FAIL/m);
  assert.match(diffwave('verify', 'silu'), /^PASS/m);
});

test('the demo writes into the folder where it was started', () => {
  assert.match(diffwave('demo', '--steps', '2', '--seconds', '0.2'), /^log-spectrum distance/m);
  assert.equal(readdirSync(join(folder, 'demo-output')).sort(), ['dataset', 'loss.png', 'run', 'sample.png', 'sample.wav']);
  assert.ok(!existsSync(join(installed, 'demo-output')));
  assert.match(diffwave('schedule', '--preset', 'tiny'), /^x_T is /m);
});

test('the page, which was bundled before: as static files, and served', async () => {
  assert.match(diffwave('web', '--out', 'site'), /^page {6}\d+ files, .*\nwrote {5}site/);
  const files = readdirSync(join(folder, 'site'), { recursive: true, encoding: 'utf8' });
  for (const name of ['index.html', 'page.js', 'worker.js', 'music', 'golden']) assert.ok(files.includes(name), name);
  const names: string[] = JSON.parse(readFileSync(join(folder, 'site', 'music', 'list.json'), 'utf8'));
  assert.ok(names.length === 4 && names.every((name) => existsSync(join(folder, 'site', 'music', name))));
  const served = spawn(process.execPath, [bin, 'web', '--port', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let said = '';
    for await (const text of served.stdout) if (/^open .*$/m.test(said += text)) break;
    const [address] = /http:\S+/.exec(said)!;
    const answer = await fetch(`${address}worker.js`);
    assert.equal([answer.status, await answer.text()], [200, readFileSync(join(folder, 'site', 'worker.js'), 'utf8')]);
  } finally {
    served.kill();
  }
});

test('the library in plain JavaScript', () => {
  const [documentation] = readFileSync(join(root, 'src', 'index.node.ts'), 'utf8').split('*/');
  const code = [...documentation!.matchAll(/^ \*     (.*)$/gm)].map(([, line]) => line).join('\n');
  writeFileSync(join(folder, 'example.js'), code.replace('(i: number)', '(i)'));
  assert.match(node(['example.js']), /^\d\.\d+ Float32Array\(1000\)/);
});

test('an operation, a loss and a loop of one\'s own', () => {
  cpSync(join(installed, 'docs', 'own-model.mjs'), join(folder, 'own-model.mjs'));
  const errors = [...node(['own-model.mjs']).matchAll(/^update \d+: (\S+) %$/gm)].map(([, error]) => Number(error));
  assert.is(errors.length, 5);
  assert.ok(errors[4]! < 0.1 * errors[0]!, `${errors}`);
});

test('its types, for Node and for bundlers, with the browser\'s own beside them', () => {
  writeFileSync(join(folder, 'typed.ts'), `
    import { DiffWave, Gpu, PRESETS, train } from 'diffwave-webgpu';
    import type { Loss, Network, Progress } from 'diffwave-webgpu';
    import { Tape, checkCase, expectedByDifferences, loss, planTape } from 'diffwave-webgpu/tape';
    import type { KernelCase, Tensor } from 'diffwave-webgpu/tape';
    export async function use(): Promise<Progress | undefined> {
      const gpu: Gpu = await Gpu.open();
      const device: GPUDevice = gpu.device;
      const half: Loss = (tape, inputs) => loss(tape, { ...inputs, kind: 'l1' });
      const clips = { clipCount: 1, clipSamples: device.limits.maxBufferSize, clip: () => new Float32Array(1) };
      return train(DiffWave.create(gpu, { ...PRESETS.tiny.model, scale: 1 }), { dataset: clips, training: PRESETS.tiny.training, steps: 1, loss: half });
    }
    export const x: Tensor = new Tape().input('x', [1]);
    // @ts-expect-error: a shape is a list
    new Tape().input('x', 1);
    export type All = [Network, KernelCase, typeof planTape, typeof checkCase, typeof expectedByDifferences];
  `);
  const [, example] = readFileSync(join(installed, 'README.md'), 'utf8').match(/^```ts\n([^]*?)^```$/m)!;
  writeFileSync(join(folder, 'readme.ts'), example!);
  const compiler = join(root, 'node_modules', 'typescript', 'lib', 'tsc.js');
  // WebGPU's types are in the DOM's library; who has none, as in Node, names @webgpu/types, which speaks of the DOM itself.
  const nodeTypes = join(root, 'node_modules', '@types', 'node');
  for (const [module, resolution, lib, types, skipLibCheck] of [
    ['nodenext', 'nodenext', 'es2023,dom', nodeTypes, 'false'],
    ['nodenext', 'nodenext', 'es2023', `${nodeTypes},@webgpu/types`, 'true'],
    ['esnext', 'bundler', 'es2023,dom', '', 'false'],
  ] as const) {
    const { status, stdout } = run(process.execPath, [
      compiler, '--noEmit', '--strict', '--target', 'es2022', '--module', module, '--moduleResolution', resolution,
      '--lib', lib, '--types', types, '--skipLibCheck', skipLibCheck, 'typed.ts',
      ...(resolution === 'nodenext' ? ['readme.ts'] : []), // it loads a folder, which is for Node
    ]);
    assert.is(status, 0, `${module} ${resolution} ${lib}: ${stdout}`);
  }
});

test('a bundler for browsers meets nothing of Node', async () => {
  const { build } = await import('esbuild');
  for (const entry of ['diffwave-webgpu', 'diffwave-webgpu/web', 'diffwave-webgpu/tape']) {
    const contents = `export * from '${entry}';`;
    const { metafile, warnings, outputFiles } = await build({
      stdin: { contents, resolveDir: folder }, bundle: true, write: false, metafile: true, format: 'esm', platform: 'browser', logLevel: 'silent',
    });
    assert.equal(warnings, [], entry);
    const inputs = Object.keys(metafile.inputs);
    assert.ok(inputs.some((input) => input.includes('diffwave-webgpu/dist/')), entry);
    assert.equal(inputs.filter((input) => /\.node\.js$|node:/.test(input)), [], entry);
    const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    assert.equal(imported, [], entry);
    assert.is(outputFiles[0]!.text.includes('fn forward('), entry !== 'diffwave-webgpu/tape', 'the shaders are in it');
  }
});

test('a browser without Symbol.dispose gets one before anything is named by it', async () => {
  const { build } = await import('esbuild');
  for (const entries of [['tape', 'web'], ['web', 'tape']]) {
    const contents = entries.map((entry) => `export * from 'diffwave-webgpu/${entry}';`).join('\n');
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder }, bundle: true, write: false, format: 'iife', globalName: 'bundle', platform: 'browser', logLevel: 'silent',
    });
    const { iterator, asyncIterator, hasInstance, toStringTag } = Symbol;
    const Bare = Object.assign((name: string) => Symbol(name), { iterator, asyncIterator, hasInstance, toStringTag, for: Symbol.for }) as unknown as typeof Symbol;
    const bundle = new Function('Symbol', `${outputFiles[0]!.text}; return bundle;`)(Bare);
    assert.is(typeof Bare.dispose, 'symbol');
    assert.is(typeof Bare.asyncDispose, 'symbol');
    for (const name of ['Gpu', 'DiffWave', 'Validator', 'Executable', 'Parameters']) {
      assert.type(bundle[name].prototype[Bare.dispose], 'function', `${name} with ${entries[0]} first`);
    }
  }
});

test('outside a browser its entry says what is missing', async () => {
  const web = await import(pathToFileURL(join(installed, 'dist', 'src', 'web.js')).href);
  const error = await web.Gpu.open().then(() => undefined, (reason: Error) => reason);
  assert.match(error?.message ?? '', /has no WebGPU here/);
});

test.run();
