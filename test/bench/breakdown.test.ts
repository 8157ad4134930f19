import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { breakdownOf, kernelLabel } from '../../bench/lib/breakdown.ts';
import { table, fileStem } from '../../bench/lib/report.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { Executable } from '../../src/autograd/executable.ts';
import { Stopwatch } from '../../src/gpu/device/timing.ts';
import { relu } from '../../src/ops/relu.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('breakdown');

test('kernels are named by shader, entry, and what they do with their sums', () => {
  const label = (shader: string, entry: string, constants?: Record<string, number | string>) =>
    kernelLabel({ kernel: { shader, entry, constants } });
  assert.is(label('relu', 'forward', { Lane: 'vec4f' }), 'relu');
  assert.is(label('relu', 'backward'), 'relu backward');
  assert.is(label('conv1d.tile', 'forward', { GATE: 1, PLAIN: 0, ROWS: 64 }), 'conv1d.tile GATE');
});

test('times add up by kernel, the longest first', () => {
  const of = (shader: string) => ({ kernel: { shader, entry: 'forward' } });
  assert.equal(breakdownOf([of('a'), of('b'), of('a')], [1, 6, 1]), [
    { kernel: 'b', dispatches: 1, seconds: 6, share: 0.75 },
    { kernel: 'a', dispatches: 2, seconds: 2, share: 0.25 },
  ]);
  assert.throws(() => breakdownOf([of('a')], []), /0 times for 1 dispatches/);
});

test('a part of a program can be run again, and a stopwatch gives a time for every pass', async () => {
  const gpu = await gpuForTests();
  const tape = new Tape();
  const x = tape.input('x', [3]);
  const y = tape.keep(relu(tape, x));
  const z = tape.keep(relu(tape, y));
  const executable = await Executable.build(gpu, planTape(tape));
  executable.write(x, Float32Array.of(1, -1, 2));
  executable.run();
  executable.write(y, Float32Array.of(5, 6, 7));
  const second = (pass: GPUComputePassEncoder) => executable.program.encode(pass, { start: 1, end: 2 });
  const seconds = await new Stopwatch(gpu).time([second, () => {}]);
  assert.equal(await executable.read(y), Float32Array.of(5, 6, 7), 'the first dispatch did not run');
  assert.equal(await executable.read(z), Float32Array.of(5, 6, 7));
  assert.is(seconds.length, 2);
  assert.ok(seconds.every((each) => each >= 0 && Number.isFinite(each)));
  executable.destroy();
});

test('tables align numbers to the right', () => {
  assert.is(table(['a', 'ms'], [['x', '1.5'], ['yy', '10']]), 'a    ms\nx   1.5\nyy   10');
  assert.is(fileStem('llvmpipe (LLVM 15.0.6, 256 bits)'), 'llvmpipe-llvm-15-0-6-256-bits');
});

test.run();
