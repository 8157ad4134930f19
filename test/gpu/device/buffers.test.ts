/** The pool: reuse, the count of bytes, and sizes that the adapter does not have. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../src/errors.ts';
import { BufferPool, OutOfMemoryError, alignUp, formatBytes } from '../../../src/gpu/device/buffers.ts';
import { gpuForTests, ownGpu } from '../../gpuForTests.ts';
import { shortage } from '../../shortage.ts';

const test = suite('buffers');

test('a released buffer is handed out again for the same size, and only for that', async () => {
  const pool = new BufferPool((await gpuForTests()).device);
  const first = pool.acquire(1000, 'first');
  assert.is(first.size, 1024);
  assert.is.not(pool.acquire(1024, 'while the first is in use'), first);
  pool.release(first);
  assert.is.not(pool.acquire(1280, 'larger'), first);
  assert.is(pool.acquire(1, 'smallest').size, 256);
  assert.is(pool.acquire(1024, 'the same size'), first);
});

test('live bytes count what is in use and what is kept, the peak does not fall', async () => {
  const pool = new BufferPool((await gpuForTests()).device);
  const [a, b] = [pool.acquire(512, 'a'), pool.acquire(1024, 'b')];
  assert.is(pool.liveBytes, 1536);
  pool.release(a);
  assert.is(pool.liveBytes, 1536);
  pool.trim();
  assert.is(pool.liveBytes, 1024);
  assert.is(pool.peakBytes, 1536);
  pool.release(b);
  pool.trim();
  assert.is(pool.liveBytes, 0);
  assert.is.not(pool.acquire(1024, 'again'), b);
});

test('a size past the limit is refused with both numbers and not counted', async () => {
  const { device } = await gpuForTests();
  const pool = new BufferPool(device);
  const message = /^'weights' needs a buffer of .*B, but this adapter's largest is .*B$/;
  const refused = (error: unknown) => error instanceof UserError && message.test(error.message);
  assert.throws(() => pool.acquire(device.limits.maxBufferSize + 1, 'weights'), refused);
  assert.is(pool.liveBytes, 0);
});

test('a buffer has one owner: who releases it twice is told, and a buffer of another device is ignored', async () => {
  const { device } = await gpuForTests();
  const pool = new BufferPool(device);
  const [buffer, foreign] = [pool.acquire(512, 'mine'), new BufferPool(device).acquire(512, 'foreign')];
  pool.release(foreign);
  assert.is(pool.owned, 1);
  pool.release(buffer);
  assert.throws(() => pool.release(buffer), /'mine' was released twice/);
  assert.is(pool.acquire(512, 'next owner'), buffer);
  assert.is.not(pool.acquire(512, 'another owner'), buffer);
  assert.is(pool.owned, 2);
});

test('what lies idle is bounded: the buffers that were released first go', async () => {
  const pool = new BufferPool((await gpuForTests()).device, { idleBytes: 4096 });
  for (let length = 1; length <= 100; length++) pool.release(pool.acquire(256 * length, `clip of ${length}`)); // of 25 KiB at most
  assert.ok(pool.liveBytes <= 4096, `${pool.liveBytes} bytes`);
  const [older, newer] = [pool.acquire(2048, 'older'), pool.acquire(2304, 'newer')];
  pool.release(older);
  pool.release(newer);
  assert.is(pool.acquire(2304, 'again'), newer);
  assert.is.not(pool.acquire(2048, 'again'), older, 'both were more than may lie idle');
});

/** A device that has no memory for buffers labelled 'large', of which it tells as WebGPU does: later. */
function poorDevice(device: GPUDevice): GPUDevice {
  let failed = false;
  return {
    limits: device.limits,
    pushErrorScope: () => { failed = false; },
    createBuffer: (descriptor: GPUBufferDescriptor) => {
      failed = descriptor.label === 'large';
      return device.createBuffer(descriptor);
    },
    popErrorScope: async () => (failed ? { message: 'out of memory' } : null),
  } as unknown as GPUDevice;
}

test('a failed allocation is told once, takes nothing, is never handed out again, and the pool goes on', async () => {
  for (const told of ['before it is released', 'after it was released'] as const) {
    const pool = new BufferPool(poorDevice((await gpuForTests()).device));
    const large = pool.acquire(1024, 'large');
    if (told === 'after it was released') pool.release(large);
    const error = await pool.settle().then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, OutOfMemoryError);
    assert.match((error as Error).message, /^the GPU has no memory left for 'large' \(1\.0 KiB, with 0 B in use\)/);
    if (told === 'before it is released') pool.release(large);
    assert.is(pool.liveBytes, 0);
    pool.check();
    await pool.settle();
    assert.is.not(pool.acquire(1024, 'small'), large);
    await pool.settle();
    assert.is(pool.liveBytes, 1024);
    assert.ok(await pool.explains('[Invalid Buffer "large"] is invalid.') && !(await pool.explains('the shader is wrong')));
  }
});

test('a buffer that is gone before the device answers is uncounted once', async () => {
  const pool = new BufferPool(poorDevice((await gpuForTests()).device), { idleBytes: 0 });
  pool.release(pool.acquire(1024, 'large'));
  const error = await pool.settle().then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, OutOfMemoryError);
  assert.is(pool.liveBytes, 0);
});

test('whoever holds a buffer that there was no memory for is told again and again, and who does not is not', async () => {
  const pool = new BufferPool(poorDevice((await gpuForTests()).device));
  const [large, small] = [pool.acquire(1024, 'large'), pool.acquire(1024, 'small')];
  await pool.expect([small]);
  for (let time = 0; time < 2; time++) {
    const error = await pool.expect([small, large]).then(() => undefined, (reason: unknown) => reason);
    assert.match((error as Error)?.message ?? '', /no memory left for 'large'/);
  }
  await pool.settle();
});

test('a staging buffer is counted while somebody has it, and not kept', async () => {
  const pool = new BufferPool((await gpuForTests()).device);
  const staging = pool.acquireStaging(12, 'to be read');
  assert.equal([pool.liveBytes, pool.owned, staging.size], [12, 1, 12]);
  pool.release(staging);
  assert.equal([pool.liveBytes, pool.peakBytes, pool.owned], [0, 12, 0]);
  assert.throws(() => pool.release(staging), /released twice/);
});

test('bytes for people', () => {
  assert.equal([0, 1023, 1536, 200 * 1024, 128 * 2 ** 20, 3.5 * 2 ** 30].map(formatBytes),
    ['0 B', '1023 B', '1.5 KiB', '200 KiB', '128 MiB', '3.5 GiB']);
  assert.equal([0, 1, 256, 257].map((size) => alignUp(size, 256)), [0, 256, 256, 512]);
});

test('that there is no memory for what is optional is said to its owner alone', async () => {
  using gpu = await ownGpu();
  const poor = shortage(gpu.device, () => true);
  const optional = gpu.buffers.acquire(512, 'luxury', { optional: true });
  await gpu.device.queue.onSubmittedWorkDone();
  gpu.check();
  for (const _ of [1, 2]) {
    const error = await gpu.buffers.expect([optional]).then(() => undefined, (reason: unknown) => reason);
    assert.instance(error, OutOfMemoryError);
  }
  const needed = gpu.buffers.acquire(768, 'bread');
  await gpu.buffers.expect([optional]).catch(() => undefined);
  assert.throws(() => gpu.check(), /no memory left for 'bread'/);
  poor.end();
  for (const buffer of [optional, needed]) gpu.buffers.release(buffer);
});

test.run();
