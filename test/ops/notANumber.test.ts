/**
 * NaN goes through every operation that cuts or bends its operands: broken weights must show in the loss. WGSL promises nothing
 * about NaN, so this is no part of `verify`; a shader that hides it fails here, on an adapter whose min, max and clamp do.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import type { Precision } from '../../src/autograd/operation.ts';
import type { VariantSettings } from '../../src/gpu/device/variant.ts';
import { naiveSettings } from '../../src/gpu/device/variant.ts';
import { encode } from '../../src/ops/encode.ts';
import { gate } from '../../src/ops/gate.ts';
import { relu } from '../../src/ops/relu.ts';
import { residualLayer } from '../../src/ops/residualLayer.ts';
import { silu } from '../../src/ops/silu.ts';
import { variantsOf } from '../../src/verify/run.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('not a number');

interface Ways {
  readonly variant?: VariantSettings;
  readonly precision?: Precision;
  /** Place of the NaN. */
  readonly at?: number;
}

/**
 * Output of `record` on x of this shape, which is 1 but for one NaN, and if there is one the gradient in x; ones are what comes
 * in at the output.
 */
async function through(
  record: (tape: Tape, x: Tensor) => Tensor, shape: readonly number[], { variant = naiveSettings, precision, at = 0 }: Ways = {},
): Promise<{ y: Float32Array; dx: Float32Array | undefined }> {
  const gpu = await gpuForTests();
  const tape = new Tape({ variant, precision });
  const x = tape.input('x', shape, { gradient: true });
  const y = tape.keep(record(tape, x));
  const dy = tape.input('dy', y.shape);
  if (y.needsGradient) tape.backward(y, { of: y, gradient: dy });
  const gradient = tape.gradient(x);
  if (gradient) tape.keep(gradient);
  const executable = await Executable.build(gpu, planTape(tape));
  executable.write(x, Float32Array.from({ length: x.length }, (_, i) => (i === at ? NaN : 1)));
  executable.write(dy, new Float32Array(y.length).fill(1));
  executable.run();
  const read = { y: await executable.read(y), dx: gradient && (await executable.read(gradient)) };
  executable.destroy();
  return read;
}

const nans = (values: ArrayLike<number>): number[] => Array.from(values, (value, i) => (Number.isNaN(value) ? i : -1)).filter((i) => i >= 0);

for (const size of [3, 4]) { // one element and four at a time
  test(`silu of ${size} elements, and its gradient`, async () => {
    const { y, dx } = await through(silu, [size]);
    assert.equal(nans(y), [0]);
    assert.equal(nans(dx!), [0]);
  });

  test(`relu of ${size} elements; its gradient lets through what comes in there`, async () => {
    const { y, dx } = await through(relu, [size]);
    assert.equal(nans(y), [0]);
    assert.is(dx![0], 1);
  });

  test(`the gate of ${size} channels, and its gradient`, async () => {
    for (const at of [0, size]) { // in g and in f
      const { y, dx } = await through(gate, [1, 1, 2 * size], { at });
      assert.equal(nans(y), [0]);
      assert.equal(nans(dx!), [0, size]);
    }
  });
}

test('the encoding of a step that is none', async () => {
  const { y } = await through((tape, t) => encode(tape, t, { kind: 'transformer', steps: 10, width: 4 }), [2]);
  assert.equal(nans(y), [0, 1, 2, 3]);
});

for (const precision of ['float32', 'mixed'] as const) {
  test(`a residual layer in every variant, ${precision}`, async () => {
    const gpu = await gpuForTests();
    const C = 4;
    const record = (tape: Tape, x: Tensor): Tensor => {
      const ones = (name: string, ...shape: number[]): Tensor =>
        tape.constant(name, shape, new Float32Array(shape.reduce((product, size) => product * size)).fill(1));
      const affine = (name: string) => ({ weight: ones(name, 1, C, 2 * C), bias: ones(name, 2 * C) });
      const input = precision === 'mixed' ? relu(tape, x, { half: true }) : x;
      const layer = { step: ones('step', 1, C), skip: undefined, dilated: affine('dilated'), projection: affine('projection') };
      return residualLayer(tape, { ...layer, x: input, dilation: 1, name: 'layer' }).skip;
    };
    for (const variant of variantsOf(gpu).filter((each) => precision === 'float32' || each.variant !== 'naive')) {
      const { y, dx } = await through(record, [1, 2, C], { variant, precision });
      assert.equal(nans(y), [0, 1, 2, 3], variant.variant);
      assert.equal(nans(dx!), [0, 1, 2, 3], variant.variant);
    }
  });
}

test('no shader uses what hides a NaN, or what a driver may compute with five digits', () => {
  const folder = new URL('../../shaders/', import.meta.url);
  const hiding = readdirSync(folder).flatMap((file) =>
    readFileSync(new URL(file, folder), 'utf8').split('\n')
      .map((line) => line.replace(/\/\/.*/, ''))
      .filter((line) => /\b(tanh|clamp|saturate|smoothstep)\(/.test(line) || /\b(min|max)\([^;]*(\d\.\d|vec4f|Lane|\w\[)/.test(line))
      .map((line) => `${file}: ${line.trim()}`));
  // What it makes the root of comes from a counter and is never NaN.
  assert.equal(hiding, ['noise.wgsl: return sqrt(max(0.0, -2.0 * logarithm(u1))) * turn(u2);']);
});

test.run();
