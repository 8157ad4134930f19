/** Every op: its values against a formula written another way, its gradients against finite differences. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../src/reference/adam.ts';
import { addStep, addStepBackward } from '../../src/reference/addStep.ts';
import { conv1d, conv1dBackward } from '../../src/reference/conv1d.ts';
import { diffuse } from '../../src/reference/diffuse.ts';
import { gate, gateBackward } from '../../src/reference/gate.ts';
import { linear, linearBackward } from '../../src/reference/linear.ts';
import { loss, lossBackward } from '../../src/reference/loss.ts';
import { relu, reluBackward } from '../../src/reference/relu.ts';
import { residual, residualBackward } from '../../src/reference/residual.ts';
import { reverseStep } from '../../src/reference/reverse.ts';
import { scale } from '../../src/reference/scale.ts';
import { silu, siluBackward } from '../../src/reference/silu.ts';
import { upsample, upsampleBackward } from '../../src/reference/upsample.ts';
import { assertClose } from '../close.ts';
import { assertGradient, dot, random, randomOffZero } from './differences.ts';

const test = suite('reference ops');

// Sizes 1, primes, a dilation longer than the clip, a kernel longer than the clip.
const CONVOLUTIONS = [
  { B: 1, L: 1, Cin: 1, Cout: 1, K: 1, D: 1 },
  { B: 1, L: 1, Cin: 1, Cout: 3, K: 3, D: 1 },
  { B: 2, L: 7, Cin: 3, Cout: 5, K: 3, D: 2 },
  { B: 3, L: 5, Cin: 1, Cout: 2, K: 3, D: 8 },
  { B: 1, L: 11, Cin: 2, Cout: 1, K: 5, D: 3 },
  { B: 2, L: 3, Cin: 2, Cout: 2, K: 7, D: 1 },
  { B: 2, L: 13, Cin: 5, Cout: 7, K: 1, D: 4 },
];

test('conv1d: gradients', () => {
  for (const shape of CONVOLUTIONS) {
    const { B, L, Cin, Cout, K } = shape;
    const input = random(B * L * Cin);
    const weight = random(K * Cin * Cout);
    const bias = random(Cout);
    const dOutput = random(B * L * Cout);
    const value = () => dot(conv1d({ ...shape, input, weight, bias }), dOutput);
    const { dInput, dWeight, dBias } = conv1dBackward({ ...shape, input, weight, bias, dOutput });
    const what = `conv1d ${JSON.stringify(shape)}`;
    assertGradient({ analytic: dInput, at: input, value, what: `${what} dInput` });
    assertGradient({ analytic: dWeight, at: weight, value, what: `${what} dWeight` });
    assertGradient({ analytic: dBias, at: bias, value, what: `${what} dBias` });
  }
});

test('conv1d: taps, dilation, padding and bias by hand', () => {
  const shape = { B: 2, L: 4, Cin: 1, Cout: 1, K: 3, D: 2 };
  const input = Float64Array.of(1, 2, 3, 4, 10, 20, 30, 40);
  const weight = Float64Array.of(100, 10, 1); // tap 0 reads t − 2, tap 2 reads t + 2
  const output = conv1d({ ...shape, input, weight, bias: null });
  assert.equal([...output], [13, 24, 130, 240, 130, 240, 1300, 2400], 'nothing leaks from clip to clip');
  const biased = conv1d({ ...shape, input, weight, bias: Float64Array.of(0.5) });
  assertClose(biased, output.map((y) => y + 0.5), { what: 'bias' });
});

test('conv1d: channels are summed with the weight of (tap, in, out)', () => {
  const shape = { B: 1, L: 1, Cin: 2, Cout: 3, K: 1, D: 1 };
  const output = conv1d(
    { ...shape, input: Float64Array.of(1, 10), weight: Float64Array.of(1, 2, 3, 4, 5, 6), bias: null });
  assert.equal([...output], [41, 52, 63]);
});

test('gate: gradients and values', () => {
  for (const { rows, C } of [{ rows: 1, C: 1 }, { rows: 7, C: 3 }, { rows: 2, C: 13 }]) {
    const input = random(rows * 2 * C);
    const dOutput = random(rows * C);
    const value = () => dot(gate({ input, rows, C }), dOutput);
    const analytic = gateBackward({ input, dOutput, rows, C });
    assertGradient({ analytic, at: input, value, what: `gate ${rows}×${C}` });
  }
  const open = gate({ input: Float64Array.of(0, 1000, 0.5, -1000), rows: 1, C: 2 });
  assertClose(open, [0.5 * Math.tanh(0.5), -1], { atol: 1e-15, what: 'gate first, filter second' });
});

test('relu and silu: gradients and values', () => {
  const input = randomOffZero(31);
  const dOutput = random(31);
  assertGradient({
    analytic: reluBackward({ input, dOutput }), at: input, value: () => dot(relu(input), dOutput), what: 'relu' });
  assertGradient({
    analytic: siluBackward({ input, dOutput }), at: input, value: () => dot(silu(input), dOutput), what: 'silu' });
  assert.equal([...relu(Float64Array.of(-1, 0, 2))], [0, 0, 2]);
  assert.equal([...reluBackward({ input: Float64Array.of(-1, 0, 2), dOutput: Float64Array.of(3, 4, 5) })], [0, 0, 5]);
  assert.ok(Number.isNaN(relu(Float64Array.of(NaN))[0]), 'relu does not hide a NaN');
  const want = [0, 0, 1 / (1 + 1 / Math.E), 1000];
  assertClose(silu(Float64Array.of(-1000, 0, 1, 1000)), want, { rtol: 1e-15, what: 'silu' });
});

test('linear: gradients', () => {
  for (const shape of [{ B: 1, Cin: 1, Cout: 1 }, { B: 3, Cin: 7, Cout: 5 }, { B: 1, Cin: 2, Cout: 11 }]) {
    const { B, Cin, Cout } = shape;
    const input = random(B * Cin);
    const weight = random(Cin * Cout);
    const bias = random(Cout);
    const dOutput = random(B * Cout);
    const value = () => dot(linear({ ...shape, input, weight, bias }), dOutput);
    const { dInput, dWeight, dBias } = linearBackward({ ...shape, input, weight, bias, dOutput });
    const what = `linear ${JSON.stringify(shape)}`;
    assertGradient({ analytic: dInput, at: input, value, what: `${what} dInput` });
    assertGradient({ analytic: dWeight, at: weight, value, what: `${what} dWeight` });
    assertGradient({ analytic: dBias, at: bias, value, what: `${what} dBias` });
  }
});

test('linear: values by hand', () => {
  const output = linear({
    input: Float64Array.of(1, 10, 2, 20), weight: Float64Array.of(1, 2, 3, 4), bias: Float64Array.of(0.5, 0),
    B: 2, Cin: 2, Cout: 2,
  });
  assert.equal([...output], [31.5, 42, 62.5, 84]);
});

test('addStep: gradients and values', () => {
  for (const shape of [{ B: 1, L: 1, C: 1 }, { B: 3, L: 5, C: 2 }, { B: 2, L: 1, C: 7 }]) {
    const { B, L, C } = shape;
    const input = random(B * L * C);
    const step = random(B * C);
    const dOutput = random(B * L * C);
    const value = () => dot(addStep({ ...shape, input, step }), dOutput);
    const { dInput, dStep } = addStepBackward({ ...shape, dOutput });
    assertGradient({ analytic: dInput, at: input, value, what: 'addStep dInput' });
    assertGradient({ analytic: dStep, at: step, value, what: 'addStep dStep' });
  }
  const input = new Float64Array(8);
  const output = addStep({ input, step: Float64Array.of(1, 2, 3, 4), B: 2, L: 2, C: 2 });
  assert.equal([...output], [1, 2, 1, 2, 3, 4, 3, 4]);
});

test('residual: gradients through both results', () => {
  for (const { rows, C } of [{ rows: 1, C: 1 }, { rows: 5, C: 3 }]) {
    const input = random(rows * C);
    const projected = random(rows * 2 * C);
    const skip = random(rows * C);
    const dOutput = random(rows * C);
    const dSkip = random(rows * C);
    const value = () => {
      const result = residual({ input, projected, skip, rows, C });
      return dot(result.output, dOutput) + dot(result.skip, dSkip);
    };
    const { dInput, dProjected } = residualBackward({ dOutput, dSkip, rows, C });
    assertGradient({ analytic: dInput, at: input, value, what: 'residual dInput' });
    assertGradient({ analytic: dProjected, at: projected, value, what: 'residual dProjected' });
    assertGradient({ analytic: dSkip, at: skip, value, what: 'residual dSkip passes through' });

    const skipOnly = () => dot(residual({ input, projected, skip, rows, C }).skip, dSkip);
    const last = residualBackward({ dOutput: null, dSkip, rows, C });
    assertGradient({ analytic: last.dInput, at: input, value: skipOnly, what: 'last layer dInput' });
    assertGradient({ analytic: last.dProjected, at: projected, value: skipOnly, what: 'last layer dProjected' });
  }
});

test('residual: values by hand', () => {
  const first = { input: Float64Array.of(1, 2), projected: Float64Array.of(3, 4, 5, 6), skip: null, rows: 1, C: 2 };
  const { output, skip } = residual(first);
  assertClose(output, [4 / Math.SQRT2, 6 / Math.SQRT2], { rtol: 1e-15, what: 'output' });
  assert.equal([...skip], [5, 6]);
  assert.equal([...residual({ ...first, skip }).skip], [10, 12]);
  assert.equal([...skip], [5, 6], 'the incoming sum is not touched');
});

test('scale: gradient and values', () => {
  const x = random(7);
  const dOutput = random(7);
  assertGradient({ analytic: scale(dOutput, -0.3), at: x, value: () => dot(scale(x, -0.3), dOutput), what: 'scale' });
  assert.equal([...scale(Float64Array.of(2, -4), 0.5)], [1, -2]);
});

test('loss: gradients and values', () => {
  for (const kind of ['mse', 'l1'] as const) {
    const target = random(17);
    const apart = randomOffZero(17);
    const predicted = target.map((x, i) => x + apart[i]!);
    const value = () => loss({ kind, predicted, target });
    assertGradient({ analytic: lossBackward({ kind, predicted, target }), at: predicted, value, what: kind });
  }
  const pair = { predicted: Float64Array.of(1, -2, 5, 7), target: Float64Array.of(0, 1, 5, 7) };
  assert.is(loss({ kind: 'mse', ...pair }), 10 / 4);
  assert.is(loss({ kind: 'l1', ...pair }), 1);
  assert.equal([...lossBackward({ kind: 'l1', ...pair })], [0.25, -0.25, 0, 0]);
});

test('diffuse: each item has its own levels', () => {
  const output = diffuse({
    audio: Float64Array.of(1, 2, 3, 4), noise: Float64Array.of(10, 20, 30, 40),
    signalLevel: [1, 0.5], noiseLevel: [0, 0.1], B: 2, L: 2,
  });
  assertClose(output, [1, 2, 4.5, 6], { rtol: 1e-15, what: 'diffuse' });
});

test('reverseStep: the formula by hand', () => {
  const output = reverseStep({
    noisy: Float64Array.of(1, 2), predicted: Float64Array.of(4, 8), noise: Float64Array.of(1, -1),
    noiseCoefficient: 0.5, inverseSqrtAlpha: 3, sigma: 0.25,
  });
  assert.equal([...output], [-2.75, -6.25]);
});

test('adam: the first step is learningRate·sign(g), the second follows the written-out moments', () => {
  const [value, m, v] = [Float64Array.of(1, 1, 1), new Float64Array(3), new Float64Array(3)];
  const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
  adam({ value, gradient: Float64Array.of(3, -0.02, 0), m, v, step: 1, ...options });
  assertClose(value, [0.9, 1.1, 1], { atol: 1e-7, what: 'first step' }); // ε/|g| = 5e-7 of 0.1

  const before = value[0];
  adam({ value, gradient: Float64Array.of(1, 0, 0), m, v, step: 2, ...options });
  const mHat = (0.9 * 0.1 * 3 + 0.1 * 1) / (1 - 0.81);
  const vHat = (0.99 * 0.01 * 9 + 0.01 * 1) / (1 - 0.9801);
  assertClose([value[0]!], [before! - (0.1 * mHat) / (Math.sqrt(vHat) + 1e-8)], { rtol: 1e-14, what: 'second step' });
  assert.is(value[2], 1, 'a parameter without gradient stays');
});

test('adam: epsilon is added to the corrected root', () => {
  const [value, m, v] = [Float64Array.of(0), new Float64Array(1), new Float64Array(1)];
  const gradient = Float64Array.of(1e-3);
  adam({ value, gradient, m, v, step: 1, learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-3 });
  assertClose(value, [-0.5], { rtol: 1e-12, what: 'm̂ / (√v̂ + ε) with √v̂ = ε' });
});

test('upsample: gradients, and values as PyTorch has them', () => {
  for (const shape of [{ B: 1, F: 1, M: 1, s: 2 }, { B: 2, F: 3, M: 5, s: 4 }]) {
    const { B, F, M, s } = shape;
    const [x, weight, bias, dOutput] = [random(B * F * M), random(6 * s), random(1), random(B * F * s * M)];
    const value = () => dot(upsample({ ...shape, x, weight, bias }), dOutput);
    const { dInput, dWeight, dBias } = upsampleBackward({ ...shape, x, weight, bias, dOutput });
    assertGradient({ analytic: dInput, at: x, value, what: 'upsample dInput' });
    assertGradient({ analytic: dWeight, at: weight, value, what: 'upsample dWeight' });
    assertGradient({ analytic: dBias, at: bias, value, what: 'upsample dBias' });
  }
  // torch.nn.ConvTranspose2d(1, 1, (3, 4), stride=(1, 2), padding=(1, 1)) and leaky_relu(…, 0.4)
  const steps = (length: number, first: number) => Float64Array.from({ length }, (_, i) => first + i);
  const got = upsample({ B: 1, F: 2, M: 3, s: 2, x: steps(6, 1), weight: steps(12, -5), bias: Float64Array.of(-2) });
  assertClose(got, [-2.8, -4, -2, -15.6, -21.6, -11.6, -1.2, 9, 19, 11, 26, 25], { rtol: 1e-15, what: 'upsample' });
});

test.run();
