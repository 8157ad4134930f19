/** A device that is lost, and the new one in its place. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import { DeviceLostError } from '../../../src/gpu/device/opened.ts';
import { Program } from '../../../src/gpu/program/program.ts';
import { naiveSettings } from '../../../src/gpu/device/variant.ts';
import { ownGpu } from '../../gpuForTests.ts';

const test = suite('recovery');

const whole = { offset: 0, size: 256 };
const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'nothing was thrown', (error: unknown) => error);

/** Makes, with the device that the Gpu has now, 16 numbers that are not negative. */
async function compute(gpu: Gpu): Promise<number[]> {
  const [x, y] = ['x', 'y'].map((label) => gpu.buffers.acquire(256, label));
  const program = await Program.build(gpu, [{
    kernel: { shader: 'relu', entry: 'forward', constants: { Lane: 'f32', Out: 'f32', F16: 0 } },
    bindings: { x: { buffer: x!, ...whole }, y: { buffer: y!, ...whole } },
    writes: ['y'],
    params: { count: 16 },
    workgroups: 1,
  }]);
  gpu.device.queue.writeBuffer(x!, 0, Float32Array.from({ length: 16 }, (_, i) => i - 8));
  program.run();
  return [...new Float32Array(await gpu.read(y!, { offset: 0, size: 64 }))];
}

const expected = Array.from({ length: 16 }, (_, i) => Math.max(0, i - 8));

test('whatever is asked of a lost device says that it is lost, and so does what was waiting for it', async () => {
  const gpu = await ownGpu();
  const buffer = gpu.buffers.acquire(256, 'x');
  const waiting = [gpu.read(buffer, whole), gpu.idle(), gpu.throttle()].map(errorOf);
  gpu.device.destroy();
  const later = [gpu.read(buffer, whole), gpu.idle(), gpu.throttle(), Promise.resolve().then(() => gpu.check())].map(errorOf);
  const errors = await Promise.all([...waiting, ...later]) as Error[];
  for (const error of errors) {
    assert.instance(error, DeviceLostError);
    assert.match(error.message, /^the GPU was lost \(destroyed[^\n]*\): run the command again$/);
  }
  assert.is(await gpu.lossBehind(errors[0]), errors[0]);
  // A call of WebGPU's own that failed is not an error of ours, and yet the loss is behind it.
  assert.instance(await gpu.lossBehind(new TypeError('null is no mapped range')), DeviceLostError);
  gpu.close();
});

test('a new device in the place of the lost one: what was found out about the adapter stays', async () => {
  const gpu = await ownGpu();
  gpu.variant = naiveSettings;
  const old = gpu.buffers.acquire(256, 'old');
  const { name } = gpu;
  for (let time = 0; time < 2; time++) {
    gpu.device.destroy();
    assert.instance(await errorOf(gpu.idle()), DeviceLostError);
    await gpu.recover();
    assert.equal(await compute(gpu), expected);
  }
  assert.is(gpu.variant, naiveSettings);
  assert.is(gpu.name, name);
  assert.is(await gpu.lossBehind(new Error('of something else')), undefined);
  gpu.buffers.release(old);
  assert.is.not(gpu.buffers.acquire(256, 'new'), old);
  gpu.close();
  assert.match(String(await errorOf(gpu.recover())), /this Gpu is closed/);
});

test('an adapter that is not there for a moment is waited for', async () => {
  const answers: (() => null)[] = [() => null, () => { throw new Error('the driver is starting'); }];
  let asked = 0;
  const gpu = await ownGpu({}, () => (asked++ === 0 ? undefined : answers.shift()?.()));
  gpu.device.destroy();
  await gpu.recover();
  assert.is(asked, 4);
  assert.equal(await compute(gpu), expected);
  gpu.close();
});

test('one that does not come back, or comes back as another one, is not', async () => {
  const other = { info: { description: 'slow one', vendor: 'none', isFallbackAdapter: true } } as unknown as GPUAdapter;
  for (const answer of [null, other]) {
    let asked = 0;
    const gpu = await ownGpu({}, () => (asked++ === 0 ? undefined : answer));
    const { name } = gpu;
    gpu.device.destroy();
    const error = await errorOf(gpu.recover()) as Error;
    assert.instance(error, DeviceLostError);
    assert.is(error.message, `the GPU was lost (and ${name} gave no new device: there is no such adapter now): run the command again`);
    assert.is(asked, 4, 'first, and three times again');
    gpu.close();
  }
});

test.run();
