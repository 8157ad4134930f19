/** The tape: what it refuses, and that gradients of several readers add up. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { Parameters } from '../../src/autograd/parameters.ts';
import { planTape } from '../../src/autograd/plan.ts';
import type { Keeps } from '../../src/autograd/operation.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { activationShape } from '../../src/autograd/tensor.ts';
import { relu } from '../../src/ops/relu.ts';
import { reverseStep } from '../../src/ops/reverse.ts';
import { scale } from '../../src/ops/scale.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('tape');

const specs = [{ name: 'w', shape: [2, 3] }];
const small = { buffer: {} as GPUBuffer, offset: 0, size: 256 };

test('shapes that cannot be are refused where they are given', () => {
  const tape = new Tape();
  const x = tape.input('x', [2, 3]);
  assert.throws(() => tape.constant('c', [2, 2], new Float32Array(3)), /c: 3 values for \(2, 2\)/);
  assert.throws(() => tape.external('e', [65], small), /e: \(65\) does not fit into 256 bytes/);
  assert.throws(() => tape.reshaped(x, [4]), /x \(2, 3\) cannot become \(4\)/);
  assert.throws(() => activationShape(x, 'gate'), /gate: wanted \(B, L, C\), got x \(2, 3\)/);
});

test('an old value that was updated in place cannot be read, reshaped or updated any more', () => {
  const tape = new Tape();
  const [x, output, noise] = ['x', 'output', 'noise'].map((name) => tape.input(name, [1, 3]));
  const next = reverseStep(tape, { x: x!, output: output!, noise: noise! });
  const gone = /x \(1, 3\) was updated in place and its old value is gone/;
  assert.throws(() => scale(tape, x!, 2), gone);
  assert.throws(() => tape.reshaped(x!, [3]), gone);
  assert.throws(() => reverseStep(tape, { x: x!, output: output!, noise: noise! }), gone);
  assert.not.throws(() => reverseStep(tape, { x: next, output: output!, noise: noise! }));
});

test('the gradient of a tensor with several readers is the sum of theirs', async () => {
  const tape = new Tape();
  const x = tape.input('x', [5], { gradient: true });
  const readers = [2, 3, 5].map((factor) => scale(tape, x, factor));
  const chained = scale(tape, readers[0]!, 10); // readers[0] has the reader `chained` and none from outside
  const seeds = [chained, readers[1]!, readers[2]!].map((of, i) => ({ of, gradient: tape.input(`seed ${i}`, [5]) }));
  tape.backward(chained, ...seeds);
  const dx = tape.keep(tape.gradient(x)!);
  const executable = await Executable.build(await gpuForTests(), planTape(tape));
  seeds.forEach(({ gradient }, i) => executable.write(gradient, Float32Array.of(1, 0, i, -1, 0.5)));
  executable.run();
  // 20·s0 + 3·s1 + 5·s2
  assert.equal([...(await executable.read(dx))], [28, 0, 13, -28, 14]);
  executable.destroy();
});

test('only what depends on an input with gradient is differentiated', () => {
  const tape = new Tape();
  const x = tape.input('x', [4], { gradient: true });
  const fixed = scale(tape, tape.input('fixed', [4]), 2);
  const unrelated = scale(tape, x, 3);
  const y = scale(tape, x, 2);
  const before = tape.operations.length;
  tape.backward(y, { of: y, gradient: tape.input('dy', [4]) });
  assert.is(tape.operations.length, before + 1);
  assert.is(tape.gradient(fixed), undefined);
  assert.is(tape.gradient(unrelated), undefined);
  assert.equal(tape.gradient(x)!.shape, [4]);
});

test('backward starts at one number, or at a gradient of the right shape, and needs something to differentiate', () => {
  const tape = new Tape();
  const x = tape.input('x', [4], { gradient: true });
  const y = scale(tape, x, 2);
  assert.throws(
    () => tape.backward(y),
    /backward starts at a single number, got scaled x \(4\); give a gradient for it/,
  );
  assert.throws(() => tape.backward(y), /nothing that has a gradient was recorded since the last backward/);
  const other = new Tape();
  const z = scale(other, other.input('x', [4], { gradient: true }), 2);
  assert.throws(
    () => other.backward(z, { of: z, gradient: other.input('dz', [5]) }),
    /gradient of scaled x: wanted \(4\), got dz \(5\)/,
  );
});

test('parts that are recorded one after the other add up in the parameters', async () => {
  const parameters = new Parameters(await gpuForTests(), specs);
  const tape = new Tape({ parameters });
  const seeds = [2, 3].map((factor, i) => {
    const y = scale(tape, tape.parameter('w'), factor);
    const gradient = tape.input(`dy ${i}`, [2, 3]);
    tape.backward(y, { of: y, gradient });
    return gradient;
  });
  const executable = await Executable.build(await gpuForTests(), planTape(tape));
  for (const seed of seeds) executable.write(seed, Float32Array.of(1, 0, -1, 2, 0.5, 4));
  parameters.write(parameters.gradients, new Map([['w', new Float32Array(6).fill(NaN)]])); // the first part overwrites
  executable.run();
  assert.equal([...(await parameters.read(parameters.gradients)).get('w')!], [5, 0, -5, 10, 2.5, 20]);
  executable.destroy();
  parameters.destroy();
});

test('what is recomputable is recorded again for the gradients where layer inputs alone are kept', async () => {
  const results = new Map<Keeps, { operations: number; dx: number[] }>();
  for (const keeps of ['activations', 'layerInputs'] as const) {
    const tape = new Tape({ keeps });
    const x = tape.input('x', [4], { gradient: true });
    const y = scale(tape, tape.recomputable(() => relu(tape, scale(tape, x, -2))), 5);
    const gradient = tape.input('dy', [4]);
    tape.backward(y, { of: y, gradient });
    const dx = tape.keep(tape.gradient(x)!);
    const executable = await Executable.build(await gpuForTests(), planTape(tape));
    executable.write(x, Float32Array.of(1, -1, 2, -3));
    executable.write(gradient, Float32Array.of(1, 1, 1, 0.5));
    executable.run();
    results.set(keeps, { operations: tape.operations.length, dx: [...(await executable.read(dx))] });
    executable.destroy();
  }
  const [kept, again] = [results.get('activations')!, results.get('layerInputs')!];
  assert.equal(kept.dx, [0, -10, 0, -5]);
  assert.equal(again.dx, kept.dx);
  assert.is(again.operations, kept.operations + 2);
  const blind = new Tape({ keeps: 'nothing' });
  const z = scale(blind, blind.input('x', [1], { gradient: true }), 2);
  assert.throws(() => blind.backward(z), /nothing that has a gradient was recorded/);
});

test('a gradient that is passed on belongs to one reader alone', () => {
  const late = new Tape();
  const x = late.input('x', [2, 3], { gradient: true });
  const view = late.reshaped(x, [6]);
  const y = scale(late, view, 2);
  const reader = relu(late, x); // its share is there before the view's
  const seeds = [y, reader].map((of) => ({ of, gradient: late.input('seed', of.shape) }));
  assert.throws(
    () => late.backward(y, ...seeds),
    /the gradient in x \(2, 3\) has more than one share and cannot be passed on/,
  );

  const early = new Tape();
  const x2 = early.input('x', [2, 3], { gradient: true });
  const reader2 = relu(early, x2); // its share would come after the view's
  const y2 = scale(early, early.reshaped(x2, [6]), 2);
  const seeds2 = [y2, reader2].map((of) => ({ of, gradient: early.input('seed', of.shape) }));
  assert.throws(
    () => early.backward(y2, ...seeds2),
    /the gradient in x \(2, 3\) was passed on from its only reader, but has another/,
  );
});

test('a parameter is one tensor, and its gradient has its own place', async () => {
  const parameters = new Parameters(await gpuForTests(), specs);
  const tape = new Tape({ parameters });
  const w = tape.parameter('w');
  assert.is(tape.parameter('w'), w);
  assert.throws(() => tape.parameter('v'), /there is no parameter 'v'/);
  assert.throws(() => new Tape().parameter('w'), /this tape has no parameters, so no 'w'/);
  const y = scale(tape, w, 2);
  tape.backward(y, { of: y, gradient: tape.input('dy', [2, 3]) });
  assert.is(tape.gradient(w)!.storage.range!.buffer, parameters.gradients.buffer);
  parameters.destroy();
});

test('the gradient of a parameter cannot be passed on, the optimiser would not see it', async () => {
  const parameters = new Parameters(await gpuForTests(), specs);
  const tape = new Tape({ parameters });
  const y = scale(tape, tape.reshaped(tape.parameter('w'), [6]), 2);
  assert.throws(
    () => tape.backward(y, { of: y, gradient: tape.input('dy', [6]) }),
    /the parameter w \(2, 3\) cannot be another tensor/,
  );
  parameters.destroy();
});

test('a part begins where a binding may begin and ends within its tensor', () => {
  const tape = new Tape();
  const x = tape.input('x', [200]);
  assert.is(tape.part(x, 64, [2, 68]).offset, 256);
  assert.throws(() => tape.part(x, 32, [8]), /x \(200\) has no part \(8\) that begins at 32/);
  assert.throws(() => tape.part(x, 128, [73]), /x \(200\) has no part \(73\) that begins at 128/);
});

test.run();
