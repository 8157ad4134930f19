/** A case of which only the forward formula is known, on an operation of one's own whose shader is a text. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tape } from '../../src/autograd/tape.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import type { KernelCase } from '../../src/verify/case.ts';
import { expectedByDifferences, gradientByDifferences } from '../../src/verify/differences.ts';
import { checkCase } from '../../src/verify/run.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('differences');

/** y = a·x² element by element, wrong on demand. */
const source = (derivative: string): string => `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
override ACCUMULATE = false;
@compute @workgroup_size(64) fn forward(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { y[id.x] = a[id.x] * x[id.x] * x[id.x]; }
}
@compute @workgroup_size(64) fn backward(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { y[id.x] = ${derivative} + select(0.0, y[id.x], ACCUMULATE); }
}`;

function weightedSquare(tape: Tape, { x, a }: { x: Tensor; a: Tensor }, shader: string): Tensor {
  const y = tape.result('weighted square', x.shape, [x]);
  const workgroups = Math.ceil(x.length / 64);
  const kernel = { shader: 'weightedSquare', source: shader };
  tape.record({ kernel: { ...kernel, entry: 'forward' }, reads: { x, a }, writes: { y }, workgroups });
  tape.onBackward([y], () => {
    const slot = tape.gradientSlot(x);
    if (!slot) return;
    tape.record({
      kernel: { ...kernel, entry: 'backward', overrides: { ACCUMULATE: slot.accumulate } },
      reads: { x, a, dy: tape.gradient(y)! }, writes: { y: slot.tensor }, workgroups,
    });
  });
  return y;
}

const caseOf = (length: number, derivative: string): KernelCase => ({
  stem: 'weightedSquare',
  name: `${length}`,
  inputs: { x: { shape: [length], gradient: true }, a: { shape: [length] } },
  record: (tape, { x, a }) => ({ y: weightedSquare(tape, { x: x!, a: a! }, source(derivative)) }),
  expected: expectedByDifferences({
    forward: ({ x, a }) => ({ y: x!.map((value, i) => a![i]! * value ** 2) }),
    gradients: ['x'],
    roundings: 4,
  }),
});

test('the differences of a polynomial are its derivative', () => {
  const x = Float64Array.of(-1, 0, 2);
  const gradient = gradientByDifferences(x, () => x.reduce((sum, value) => sum + value ** 3, 0));
  gradient.forEach((value, i) => assert.ok(Math.abs(value - 3 * x[i]! ** 2) < 1e-8));
  assert.equal(x, Float64Array.of(-1, 0, 2), 'and x is as it was');
});

test('a right kernel passes, forward and backward, and one with a wrong derivative fails there', async () => {
  const gpu = await gpuForTests();
  for (const length of [1, 67]) {
    const right = await checkCase(gpu, caseOf(length, '2.0 * a[id.x] * x[id.x] * dy[id.x]'));
    assert.equal(right.filter(({ ok }) => !ok), []);
    assert.ok(['y', 'd x', 'd x +='].every((wanted) => right.some(({ direction }) => direction === wanted)));
    const wrong = await checkCase(gpu, caseOf(length, '1.999 * a[id.x] * x[id.x] * dy[id.x]'));
    assert.equal(wrong.filter(({ ok }) => !ok).map(({ direction }) => direction), ['d x', 'd x +=']);
  }
});

test.run();
