/** A program with memory: writing, running, reading, and giving the memory back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { scale } from '../../src/ops/scale.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('executable');

async function build() {
  const tape = new Tape();
  const x = tape.input('x', [5]);
  const middle = scale(tape, x, 2);
  const y = tape.keep(scale(tape, middle, 10));
  const executable = await Executable.build(await gpuForTests(), planTape(tape));
  return { tape, x, middle, y, executable };
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'nothing was thrown', (error: Error) => error.message);
}

test('writes and runs take effect in the order in which they are called', async () => {
  const { x, y, executable } = await build();
  executable.write(x, Float32Array.of(1, 2, 3, 4, 5));
  executable.run();
  executable.write(x, new Float32Array(5));
  assert.equal([...(await executable.read(y))], [20, 40, 60, 80, 100]);
  executable.run();
  assert.equal([...(await executable.read(y))], [0, 0, 0, 0, 0]);
  executable.destroy();
});

test('a constant is there at the first run', async () => {
  const tape = new Tape();
  const y = tape.keep(scale(tape, tape.constant('c', [3], Float32Array.of(1, -2, 0.5)), 4));
  const executable = await Executable.build(await gpuForTests(), planTape(tape));
  executable.run();
  assert.equal([...(await executable.read(y))], [4, -8, 2]);
  executable.destroy();
});

test('wrong use is refused', async () => {
  const { tape, x, middle, executable } = await build();
  assert.throws(() => executable.write(x, new Float32Array(4)), /x \(5\): 4 values were written/);
  assert.match(await messageOf(executable.read(middle)), /scaled x \(5\) was not kept, its memory is shared/);
  assert.match(
    await messageOf(executable.read(tape.keep(tape.result('later', [5])))),
    /'later' is not part of this program/,
  );
  assert.match(await messageOf(executable.overwrittenGuards()), /this plan has no guards/);
  executable.destroy();
});

test('memory goes back and is used again', async () => {
  const gpu = await gpuForTests();
  (await build()).executable.destroy();
  const before = gpu.buffers.liveBytes;
  (await build()).executable.destroy();
  assert.is(gpu.buffers.liveBytes, before);
});

test('memory goes back when a kernel cannot be built', async () => {
  const gpu = await gpuForTests();
  const tape = new Tape();
  const x = tape.input('x', [77]);
  tape.record({
    kernel: { shader: 'scale', entry: 'forward', constants: { Lane: 'f32' } },
    reads: { nothing: x },
    writes: { y: tape.result('y', [77]) },
    params: { count: 77, factor: 1 },
    workgroups: 2,
  });
  const build = () => Executable.build(gpu, planTape(tape));
  assert.match(await messageOf(build()), /scale\.forward .*: the shader has no variable 'nothing'/);
  const before = gpu.buffers.liveBytes;
  await messageOf(build());
  assert.is(gpu.buffers.liveBytes, before);
});

test.run();
