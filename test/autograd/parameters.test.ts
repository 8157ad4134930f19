/** Parameters in flat buffers, by name. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Parameters } from '../../src/autograd/parameters.ts';
import { UserError } from '../../src/errors.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('parameters');

const specs = [{ name: 'w', shape: [3, 5] }, { name: 'b', shape: [5] }, { name: 'long', shape: [65] }];
const values = new Map([
  ['w', Float32Array.from({ length: 15 }, (_, i) => i)],
  ['b', Float32Array.from({ length: 5 }, (_, i) => 100 + i)],
  ['long', Float32Array.from({ length: 65 }, (_, i) => -i)],
]);

test('what is written under a name is read under it', async () => {
  const parameters = new Parameters(await gpuForTests(), specs);
  assert.is(parameters.count, 85);
  parameters.write(parameters.values, values);
  assert.equal(await parameters.read(parameters.values), values);
  parameters.destroy();
});

test('gradients begin at zero, in the same places, where bindings may begin', async () => {
  const parameters = new Parameters(await gpuForTests(), specs);
  const gradients = await parameters.read(parameters.gradients);
  assert.ok([...gradients.values()].every((gradient) => gradient.every((g) => g === 0)));
  for (const { name, shape } of specs) {
    const { offset, size } = parameters.gradient(name);
    assert.equal(parameters.value(name).shape, shape);
    assert.is(parameters.value(name).range.offset, offset);
    assert.is(size, values.get(name)!.byteLength);
    assert.is(offset % 256, 0);
  }
  parameters.destroy();
});

test('missing, doubled and unknown names, and wrong lengths', async () => {
  const gpu = await gpuForTests();
  const parameters = new Parameters(gpu, specs);
  const without = new Map([...values].slice(1));
  assert.throws(() => parameters.write(parameters.values, without), /'w': wanted 15 values, got none/);
  const wrong = new Map([...values, ['b', new Float32Array(4)]] as [string, Float32Array][]);
  assert.throws(() => parameters.write(parameters.values, wrong), /'b': wanted 5 values, got 4/);
  assert.throws(() => parameters.value('c'), /there is no parameter 'c'/);
  assert.throws(() => new Parameters(gpu, [...specs, specs[0]!]), /two parameters are named 'w'/);
  parameters.destroy();
});

test('more than the adapter can bind is refused before anything is allocated', async () => {
  const gpu = await gpuForTests();
  const before = gpu.buffers.liveBytes;
  const tooMany = [{ name: 'w', shape: [gpu.device.limits.maxStorageBufferBindingSize / 4 + 1] }];
  assert.throws(
    () => new Parameters(gpu, tooMany),
    (error: unknown) =>
      error instanceof UserError && /parameters need .*, but this adapter binds at most/.test(error.message),
  );
  assert.is(gpu.buffers.liveBytes, before);
});

test.run();
