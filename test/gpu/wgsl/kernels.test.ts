/** Compiling: one pipeline for one specification, and errors that show the line of the file. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KernelSpec } from '../../../src/gpu/wgsl/kernels.ts';
import { kernelName } from '../../../src/gpu/wgsl/kernels.ts';
import { ownGpu } from '../../gpuForTests.ts';

const test = suite('kernels');

const good = `@group(0) @binding(0) var<storage, read_write> y: array<Lane>;
override SCALE = 1.0;
@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = Lane(SCALE);
}
`;

const shaders = { good, bad: `enable f16;\n${good.replace('Lane(SCALE)', 'missing(SCALE)')}` };

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'nothing was thrown', (error: Error) => error.message);
}

test('a name has everything that the compiler is told', () => {
  const spec = { shader: 'gate', entry: 'backward', constants: { Lane: 'f32' }, overrides: { ACCUMULATE: true } };
  assert.is(kernelName(spec), 'gate.backward [Lane=f32 ACCUMULATE=true]');
  assert.is(kernelName({ shader: 'gate', entry: 'forward' }), 'gate.forward');
});

test('the same specification gives the same pipeline, another one another', async () => {
  const gpu = await ownGpu(shaders);
  const spec = (Lane: string, SCALE: number): KernelSpec =>
    ({ shader: 'good', entry: 'forward', constants: { Lane }, overrides: { SCALE } });
  const [first, again, vector, scaled] = await Promise.all(
    [spec('f32', 1), spec('f32', 1), spec('vec4f', 1), spec('f32', 2)].map((wanted) => gpu.kernels.get(wanted)));
  assert.is(first, again);
  assert.is(new Set([first!.pipeline, vector!.pipeline, scaled!.pipeline]).size, 3);
  assert.is(gpu.kernels.size, 3);
  gpu.close();
});

test('an error in WGSL shows the line of the file, not of what the compiler saw', async () => {
  const gpu = await ownGpu(shaders);
  const spec = { shader: 'bad', entry: 'forward', constants: { Lane: 'f32', UNUSED: 1 } };
  const message = await messageOf(gpu.kernels.get(spec));
  assert.match(
    message,
    /^WGSL does not compile:\nshaders\/bad\.wgsl:6:\d+: .*missing.*\n {4}y\[id\.x\] = missing\(SCALE\);$/,
  );
  assert.is(await messageOf(gpu.kernels.get(spec)), message, 'and again at the next call');
  assert.not.throws(() => gpu.check(), 'it is reported once, not again as an uncaptured error');
  gpu.close();
});

test('a source of one\'s own takes the place of a file, and is named where it is wrong', async () => {
  const gpu = await ownGpu(shaders);
  const constants = { Lane: 'f32' };
  const [file, own, other] = await Promise.all([
    { shader: 'good', entry: 'forward', constants },
    { shader: 'good', source: good, entry: 'forward', constants },
    { shader: 'good', source: good.replace('SCALE)', '2.0)'), entry: 'forward', constants },
  ].map((spec) => gpu.kernels.get(spec)));
  assert.is(new Set([file!.pipeline, own!.pipeline, other!.pipeline]).size, 3, 'one name, three texts');
  assert.match(await messageOf(gpu.kernels.get({ shader: 'mine', source: shaders.bad, entry: 'forward', constants })),
    /^WGSL does not compile:\nthe source of 'mine':6:\d+: .*missing/);
  gpu.close();
});

test('an entry or a constant that does not exist is named', async () => {
  const gpu = await ownGpu(shaders);
  const constants = { Lane: 'f32' };
  assert.match(await messageOf(gpu.kernels.get({ shader: 'good', entry: 'backward', constants })),
    /^good\.backward \[Lane=f32\]: the pipeline was refused: .*backward/s);
  const unknown = { shader: 'good', entry: 'forward', constants, overrides: { NONE: 1 } };
  assert.match(await messageOf(gpu.kernels.get(unknown)),
    /^good\.forward \[Lane=f32 NONE=1\]: the pipeline was refused: .*NONE/s);
  assert.match(await messageOf(gpu.kernels.get({ shader: 'nowhere', entry: 'forward' })), /nowhere\.wgsl/);
  gpu.close();
});

test('a shader that could not be loaded is asked for again', async () => {
  const own: Record<string, string> = {};
  const gpu = await ownGpu(own);
  const spec = { shader: 'late', entry: 'forward', constants: { Lane: 'f32' } };
  assert.match(await messageOf(gpu.kernels.get(spec)), /late\.wgsl/);
  own.late = shaders.good!;
  assert.is((await gpu.kernels.get(spec)).name, 'late.forward [Lane=f32]');
  gpu.close();
});

test('a uniform without fields is named', async () => {
  const gpu = await ownGpu(shaders);
  const kernel = await gpu.kernels.get({ shader: 'good', entry: 'forward', constants: { Lane: 'f32' } });
  assert.throws(() => kernel.fields('params'), /good\.forward \[Lane=f32\]: no uniform struct 'params'/);
  gpu.close();
});

test.run();
