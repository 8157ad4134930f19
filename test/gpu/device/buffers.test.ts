/** The pool: reuse, the count of bytes, and sizes that the adapter does not have. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../src/errors.ts';
import { BufferPool, alignUp, formatBytes } from '../../../src/gpu/device/buffers.ts';
import { gpuForTests } from '../../gpuForTests.ts';

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

test('bytes for people', () => {
  assert.equal([0, 1023, 1536, 200 * 1024, 128 * 2 ** 20, 3.5 * 2 ** 30].map(formatBytes),
    ['0 B', '1023 B', '1.5 KiB', '200 KiB', '128 MiB', '3.5 GiB']);
  assert.equal([0, 1, 256, 257].map((size) => alignUp(size, 256)), [0, 256, 256, 512]);
});

test.run();
