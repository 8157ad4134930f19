/** The linear layers of all residual layers at once: as each of them in float64, values and gradients. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { Parameters } from '../../src/autograd/parameters.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import { scale } from '../../src/ops/scale.ts';
import { stepProjections } from '../../src/ops/stepProjections.ts';
import { linear, linearBackward } from '../../src/reference/linear.ts';
import { normals } from '../../src/reference/random.ts';
import type { Expected } from '../../src/verify/case.ts';
import { roundingError, sums } from '../../src/verify/case.ts';
import { largestError } from '../../src/verify/run.ts';
import { gpuForTests } from '../gpuForTests.ts';

const test = suite('stepProjections');

interface Sizes {
  readonly layers: number;
  readonly B: number;
  readonly H: number;
  readonly C: number;
}

function random(length: number, stream: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(normals({ seed: 2, stream, step: 0, item: 0, length }));
}

const specsOf = ({ layers, H, C }: Sizes) => Array.from({ length: layers }, (_, l) => [
  { name: `${l}.weight`, shape: [H, C] },
  { name: `${l}.bias`, shape: [C] },
]).flat();

/** Factor of another reader of e, whose share of the gradient is there first. */
const other = 2;

/** Runs them on the GPU; gradients are NaN before, so that one that is not written shows. */
async function run(sizes: Sizes) {
  const { layers, B, H } = sizes;
  const gpu = await gpuForTests();
  const parameters = new Parameters(gpu, specsOf(sizes));
  const values = new Map(parameters.specs.map(({ name, shape }, i) => [name, random(shape.reduce((a, b) => a * b), i)]));
  parameters.write(parameters.values, values);
  const poison = new Map([...values].map(([name, { length }]) => [name, new Float32Array(length).fill(NaN)]));
  parameters.write(parameters.gradients, poison);
  const tape = new Tape({ parameters });
  const e = tape.input('e', [B, H], { gradient: true });
  const affine = Array.from({ length: layers }, (_, l) =>
    ({ weight: tape.parameter(`${l}.weight`), bias: tape.parameter(`${l}.bias`) }));
  const steps = stepProjections(tape, e, affine).map((step) => tape.keep(step));
  const readers = [...steps.map((step) => scale(tape, step, 1)), scale(tape, e, other)];
  const seeds = readers.map((of, l) =>
    ({ of, gradient: tape.input(`dy ${l}`, of.shape), data: random(of.length, 1000 + l) }));
  tape.backward(readers[0], ...seeds);
  const dInput = tape.keep(tape.gradient(e)!);
  const executable = await Executable.build(gpu, planTape(tape));
  const input = random(B * H, 2000);
  executable.write(e, input);
  for (const { gradient, data } of seeds) executable.write(gradient, data);
  executable.run();
  const outputs: Float32Array[] = [];
  for (const step of steps) outputs.push(await executable.read(step));
  const result = {
    outputs, dInput: await executable.read(dInput), gradients: await parameters.read(parameters.gradients),
    values, input, seeds: seeds.map(({ data }) => data),
  };
  executable.destroy();
  parameters.destroy();
  return result;
}

function assertWithin(got: Float32Array, expected: Expected, what: string): void {
  const error = largestError(got, expected);
  assert.ok(error <= expected.tolerance, `${what}: error ${error}, tolerance ${expected.tolerance}`);
}

for (const sizes of [
  { layers: 1, B: 1, H: 1, C: 1 },
  { layers: 3, B: 2, H: 7, C: 5 },
  { layers: 5, B: 3, H: 13, C: 8 },
  { layers: 2, B: 2, H: 65, C: 64 },
]) {
  test(JSON.stringify(sizes), async () => {
    const { layers, B, H: Cin, C: Cout } = sizes;
    const { outputs, dInput, gradients, values, input, seeds } = await run(sizes);
    const ofOther = Float64Array.from(seeds[layers], (d) => other * d);
    const dSum = { value: ofOther, scale: ofOther.map(Math.abs), tolerance: roundingError(layers * Cout + 2) };
    for (let l = 0; l < layers; l++) {
      const [x, weight, bias, dy] = [input, values.get(`${l}.weight`)!, values.get(`${l}.bias`)!, seeds[l]]
        .map((data) => Float64Array.from(data));
      const expected = sums({ x, weight, bias, dy }, (given) => {
        const layer = { input: given.x, weight: given.weight, bias: given.bias, B, Cin, Cout };
        return { y: linear(layer), ...linearBackward({ ...layer, dOutput: given.dy }) };
      }, { y: Cin + 1, dInput: Cout, dWeight: B, dBias: B });
      assertWithin(outputs[l], expected.y, `layer ${l}`);
      assertWithin(gradients.get(`${l}.weight`)!, expected.dWeight, `weight of layer ${l}`);
      assertWithin(gradients.get(`${l}.bias`)!, expected.dBias, `bias of layer ${l}`);
      expected.dInput.value.forEach((share, i) => (dSum.value[i] += share));
      expected.dInput.scale.forEach((share, i) => (dSum.scale[i] += share));
    }
    assertWithin(dInput, dSum, 'the gradient in e');
  });
}

test('parameters that do not fit, or do not lie at equal distances', async () => {
  const specs = [
    ...specsOf({ layers: 2, B: 1, H: 3, C: 4 }),
    { name: 'between', shape: [5] },
    { name: '2.weight', shape: [3, 4] }, { name: '2.bias', shape: [4] },
    { name: 'wide.weight', shape: [3, 8] }, { name: 'wide.bias', shape: [8] },
  ];
  const parameters = new Parameters(await gpuForTests(), specs);
  const record = (...names: string[]) => () => {
    const tape = new Tape({ parameters });
    const affine = names.map((name) =>
      ({ weight: tape.parameter(`${name}.weight`), bias: tape.parameter(`${name}.bias`) }));
    stepProjections(tape, tape.input('e', [1, 3]), affine);
  };
  assert.not.throws(record('0', '1'));
  assert.throws(record('0', '1', '2'), /the parameters of the layers do not lie at equal distances/);
  assert.throws(record('0', 'wide'), /stepProjections weight: wanted \(3, 4\), got wide.weight/);
  parameters.destroy();
});

test.run();
