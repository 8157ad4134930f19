/** The one owner of the device: errors that come late, adapters that are not there, reading and closing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../src/errors.ts';
import { Gpu } from '../../../src/gpu/device/gpu.ts';
import { nodePlatform } from '../../../src/platform/platform.node.ts';
import { gpuForTests, ownGpu } from '../../gpuForTests.ts';

const test = suite('gpu');

test('no adapter: one line that says what to install, and Dawn is let go', async () => {
  let released = 0;
  const platform = {
    gpu: { requestAdapter: async () => null } as unknown as GPU,
    shader: async () => '',
    release: () => void released++,
  };
  const error = await Gpu.open({ platform }).then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError);
  assert.match((error as UserError).message, /^no WebGPU adapter found: install the driver .*$/);
  assert.is(released, 1);
});

test('the limits are the adapter\'s own, the features those that it has', async () => {
  const { device } = await gpuForTests();
  const adapter = (await (await import('../../../src/platform/platform.node.ts')).nodePlatform()).gpu.requestAdapter();
  const { limits, features } = (await adapter)!;
  assert.is(device.limits.maxStorageBufferBindingSize, limits.maxStorageBufferBindingSize);
  assert.is(device.limits.maxBufferSize, limits.maxBufferSize);
  assert.is(device.features.has('shader-f16'), features.has('shader-f16'));
});

test('the platform of a software adapter is told of everything that is waited for, and of nothing else', async () => {
  const platform = await nodePlatform();
  const told: Promise<unknown>[] = [];
  const gpu = await Gpu.open({ platform: { ...platform, release() {}, rest: (promise) => void told.push(promise) } });
  const buffer = gpu.buffers.acquire(64, 'numbers');
  const counts: number[] = [];
  const spec = { shader: 'nothing', source: '@compute @workgroup_size(1) fn main() {}', entry: 'main' };
  for (const wait of [() => gpu.idle(), () => gpu.read(buffer, { offset: 0, size: 4 }), () => gpu.submittedWorkDone(), () => gpu.kernels.get(spec), () => gpu.kernels.get(spec)]) {
    told.length = 0;
    await wait();
    counts.push(told.length);
  }
  gpu.close();
  assert.equal(counts, gpu.isSoftware ? [1, 1, 1, 1, 0] : [0, 0, 0, 0, 0]);
});

test('an error that nobody asked about is thrown at the next call, and only there', async () => {
  const gpu = await ownGpu();
  const buffer = gpu.buffers.acquire(256, 'good');
  const read = () => gpu.read(buffer, { offset: 0, size: 4 });
  for (const call of [async () => gpu.check(), read, () => gpu.idle(), () => gpu.throttle()]) {
    gpu.device.createBuffer({ label: 'useless', size: 4, usage: 0 });
    await gpu.device.queue.onSubmittedWorkDone();
    const message = await (call() as Promise<unknown>).then(() => 'nothing', (error: Error) => error.message);
    assert.match(message, /useless|usage/i);
    await call();
  }
  gpu.close();
});

test('a part of a buffer is read as it is after all work before', async () => {
  const gpu = await gpuForTests();
  const buffer = gpu.buffers.acquire(1024, 'numbers');
  gpu.device.queue.writeBuffer(buffer, 0, Float32Array.from({ length: 256 }, (_, i) => i));
  assert.equal([...new Float32Array(await gpu.read(buffer, { offset: 40, size: 12 }))], [10, 11, 12]);
  gpu.device.queue.writeBuffer(buffer, 40, Float32Array.of(-1));
  await gpu.throttle();
  assert.equal([...new Float32Array(await gpu.read(buffer, { offset: 40, size: 8 }))], [-1, 11]);
  gpu.buffers.release(buffer);
});

test('the description has a line each for adapter, limits and features', async () => {
  const gpu = await gpuForTests();
  const lines = gpu.describe().split('\n');
  assert.is(lines[0], `adapter   ${gpu.name}`);
  assert.ok(gpu.name.length > 0);
  for (const word of ['binding', 'workgroup', 'features']) assert.ok(lines.some((line) => line.startsWith(word)), word);
});

test('a platform whose adapter gives no device is let go of: it would keep the process alive', async () => {
  let released = 0;
  const requestAdapter = async () => ({ info: {}, limits: {}, features: new Set(), requestDevice: () => Promise.reject(new Error('no device')) });
  const platform = { gpu: { requestAdapter } as unknown as GPU, shader: async () => '', release: () => void released++ };
  const error = await Gpu.open({ platform }).then(() => undefined, (reason: Error) => reason);
  assert.is(error?.message, 'no device');
  assert.is(released, 1);
});

test('a closed Gpu says so, and closing twice does no harm', async () => {
  const gpu = await ownGpu();
  gpu.close();
  gpu.close();
  gpu[Symbol.dispose]();
  assert.throws(() => gpu.check(), /this Gpu is closed/);
});

test.run();
