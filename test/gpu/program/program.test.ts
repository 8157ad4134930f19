/** Programs: large grids, and bindings that do not fit the shader. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../src/errors.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { Dispatch } from '../../../src/gpu/program/dispatch.ts';
import { Program, foldGrid } from '../../../src/gpu/program/program.ts';
import { gpuForTests, ownGpu } from '../../gpuForTests.ts';

const test = suite('program');

test('a grid past the limit is folded into two dimensions that cover it', () => {
  assert.equal(foldGrid(1, 65535), { x: 1, y: 1 });
  assert.equal(foldGrid(65535, 65535), { x: 65535, y: 1 });
  assert.equal(foldGrid(65536, 65535), { x: 32768, y: 2 });
  for (const workgroups of [65537, 1_000_003, 65535 ** 2]) {
    const { x, y } = foldGrid(workgroups, 65535);
    assert.ok(x <= 65535 && y <= 65535 && x * y >= workgroups && x * y - workgroups < y, `${workgroups}: ${x} × ${y}`);
  }
  assert.throws(() => foldGrid(10, 3), (error: unknown) =>
    error instanceof UserError && /^10 workgroups are more .* \(3 × 3\)$/.test(error.message));
  for (const nonsense of [0, -1, 1.5, NaN]) assert.throws(() => foldGrid(nonsense, 65535), RangeError);
});

function reluOf(gpu: Gpu, count: number): Dispatch & { buffers: GPUBuffer[] } {
  const [x, y] = ['x', 'y'].map((label) => gpu.buffers.acquire(count * 4, label)) as [GPUBuffer, GPUBuffer];
  return {
    kernel: { shader: 'relu', entry: 'forward', constants: { Lane: 'f32', Out: 'f32', F16: 0 } },
    bindings: {
      x: { buffer: x!, offset: 0, size: count * 4 },
      y: { buffer: y!, offset: 0, size: count * 4 },
    },
    writes: ['y'],
    params: { count },
    workgroups: Math.ceil(count / 64),
    buffers: [x, y],
  };
}

test('an element-wise kernel on more workgroups than one dimension takes', async () => {
  const gpu = await gpuForTests();
  const count = 64 * (gpu.device.limits.maxComputeWorkgroupsPerDimension + 2) - 3;
  const { buffers: [x, y], ...dispatch } = reluOf(gpu, count);
  const values = Float32Array.from({ length: count }, (_, i) => (i % 3 === 0 ? -1 : i));
  gpu.device.queue.writeBuffer(x!, 0, values);
  gpu.device.queue.writeBuffer(y!, 0, new Float32Array(count).fill(NaN));
  const program = await Program.build(gpu, [dispatch]);
  program.run();
  const got = new Float32Array(await gpu.read(y!, { offset: 0, size: count * 4 }));
  assert.is(got.findIndex((value, i) => value !== Math.max(0, values[i]!)), -1);
  program.destroy();
  for (const buffer of [x, y]) gpu.buffers.release(buffer!);
});

test('bindings that do not fit the shader are refused by name', async () => {
  const gpu = await gpuForTests();
  const { buffers, ...dispatch } = reluOf(gpu, 8);
  const { x, y } = dispatch.bindings;
  const messageOf = (wrong: Partial<Dispatch>) =>
    Program.build(gpu, [{ ...dispatch, ...wrong }]).then(() => 'nothing was thrown', (error: Error) => error.message);
  assert.match(await messageOf({ bindings: { x: x!, y: y!, z: x! } }), /relu\.forward .*: the shader has no variable 'z'/);
  assert.match(await messageOf({ writes: [] }), /'y' is read by the operation, but declared read_write/);
  assert.match(await messageOf({ writes: ['x', 'y'] }), /'x' is written by the operation, but declared read$/);
  assert.match(await messageOf({ writes: ['y', 'z'] }), /'z' is to be written, but nothing is bound to it/);
  assert.match(await messageOf({ params: {} }), /no value for the uniform 'count'/);
  assert.match(await messageOf({ step: true }), /no uniform struct 'step'/);
  assert.match(await messageOf({ bindings: { y: y! } }), /a program was refused: /);
  const size = gpu.device.limits.maxStorageBufferBindingSize + 256;
  assert.match(
    await messageOf({ bindings: { x: { ...x!, size }, y: y! } }),
    /'x' has .*, but this adapter binds at most .* at once/,
  );
  assert.not.throws(() => gpu.check());
  for (const buffer of buffers) gpu.buffers.release(buffer);
});

test('errors are still noticed after a program was refused', async () => {
  const gpu = await ownGpu();
  await Program.build(gpu, [{ ...reluOf(gpu, 8), writes: [] }]).catch(() => undefined);
  gpu.device.createBuffer({ size: 4, usage: 0 });
  await gpu.device.queue.onSubmittedWorkDone();
  assert.throws(() => gpu.check());
  gpu.close();
});

test('a value of the step uniform that was not given is named, and nothing runs', async () => {
  const gpu = await gpuForTests();
  const y = gpu.buffers.acquire(64, 'y');
  const program = await Program.build(gpu, [{
    kernel: { shader: 'noise', entry: 'forward' },
    bindings: { y: { buffer: y, offset: 0, size: 64 } },
    writes: ['y'],
    params: { items: 1, length: 16, firstItem: 0, stream: 0 },
    step: true,
    workgroups: 1,
  }]);
  assert.is(program.length, 1);
  assert.throws(() => program.run({ seedLow: 1, seedHigh: 0 }), /noise\.forward: no value for the uniform 'noiseStep'/);
  program.destroy();
  gpu.buffers.release(y);
});

test.run();
