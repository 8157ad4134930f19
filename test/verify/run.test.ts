/** The checker itself: whatever may be wrong with a kernel, one of its rows says so. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { noise, noiseValues } from '../../src/ops/noise.ts';
import { scale } from '../../src/ops/scale.ts';
import { normals } from '../../src/reference/random.ts';
import { addStepCases } from '../../src/verify/cases/addStep.ts';
import type { KernelCase } from '../../src/verify/case.ts';
import { asGiven } from '../../src/verify/case.ts';
import { exact, roundingError } from '../../src/verify/case.ts';
import { checkCase } from '../../src/verify/run.ts';
import { gpuForTests, ownGpu } from '../gpuForTests.ts';

const test = suite('checking a case');

/** What failed, by direction. */
async function failures(kernelCase: KernelCase, gpu?: Gpu): Promise<string[]> {
  const rows = await checkCase(gpu ?? (await gpuForTests()), kernelCase);
  return rows.filter(({ ok }) => !ok).map(({ direction }) => direction);
}

const doubled: KernelCase = {
  stem: 'scale',
  name: 'doubled',
  inputs: { x: { shape: [67], gradient: true } },
  record: (tape, { x }) => ({ y: scale(tape, x!, 2) }),
  expected: ({ x, 'd y': dy }) => ({ y: exact(x!.map((value) => 2 * value)), 'd x': exact(dy!.map((d) => 2 * d)) }),
};

test('a correct operation has a row for everything that was compared', async () => {
  const rows = await checkCase(await gpuForTests(), addStepCases[1]!);
  const directions = rows.map(({ direction }) => direction);
  assert.equal(directions, ['y', 'd x', 'd step', 'd x +=', 'd step +=', 'repeat', 'guards']);
  assert.ok(rows.every(({ ok, error, tolerance }) => ok && error <= tolerance));
  assert.equal(await failures(doubled), []);
});

test('a value that is off by more than rounding', async () => {
  const off = { ...doubled, record: (tape, { x }) => ({ y: scale(tape, x!, 2.00001) }) } satisfies KernelCase;
  assert.equal(await failures(off), ['y', 'd x', 'd x +=']);
});

test('a wrong derivative, even of one element', async () => {
  const wrong: KernelCase = {
    ...doubled,
    expected(given) {
      const { y, 'd x': dx } = doubled.expected(given, asGiven);
      return { y: y!, 'd x': { ...dx!, value: dx!.value.with(66, dx!.value[66]! + 1e-5) } };
    },
  };
  assert.equal(await failures(wrong), ['d x', 'd x +=']);
});

test('NaN, which no tolerance accepts', async () => {
  const expected = { value: new Float64Array(67), scale: new Float64Array(67).fill(1), tolerance: Infinity };
  const nan: KernelCase = {
    ...doubled,
    inputs: { x: { shape: [67], edges: [NaN] } },
    expected: () => ({ y: { ...expected, tolerance: 1e30 } }),
  };
  assert.equal(await failures(nan), ['y']);
});

test('another result when it runs again', async () => {
  let runs = 0;
  const restless: KernelCase = {
    stem: 'noise',
    name: 'another seed at every run',
    inputs: {},
    get runs() {
      return [noiseValues({ seed: runs++, step: 0 })];
    },
    record: (tape) => ({ z: noise(tape, { B: 1, L: 5, stream: 0 }) }),
    expected() {
      const value = normals({ seed: 0, stream: 0, step: 0, item: 0, length: 5 });
      return { z: { value, scale: value.map(() => 6), tolerance: roundingError(16) } };
    },
  };
  assert.equal(await failures(restless), ['repeat']);
});

/** y = x on the elements below `count`, of which there should be as many as y has. */
const copyShader = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
struct Params { count: u32, last: u32 }
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { y[id.x] = x[min(id.x, params.last)]; }
}`;

function copyCase(count: number): KernelCase {
  return {
    stem: 'copy',
    name: `${count} of 10 elements`,
    inputs: { x: { shape: [10] } },
    record(tape, { x }) {
      const y = tape.result('y', [10]);
      tape.record({
        kernel: { shader: 'copy', entry: 'forward' },
        reads: { x: x! },
        writes: { y },
        params: { count, last: 9 },
        workgroups: 1,
      });
      return { y };
    },
    expected: ({ x }) => ({ y: exact(x!) }),
  };
}

test('elements that are left out, and elements behind the end', async () => {
  const gpu = await ownGpu({ copy: copyShader });
  try {
    assert.equal(await failures(copyCase(10), gpu), []);
    assert.equal(await failures(copyCase(9), gpu), ['y']);
    assert.equal(await failures(copyCase(12), gpu), ['guards behind y']);
    const [, , guards] = await checkCase(gpu, copyCase(12));
    assert.is(guards!.error, 2);
  } finally {
    gpu.close();
  }
});

test('a truth that does not match the operation is a mistake of the case', async () => {
  const gpu = await gpuForTests();
  const without = { ...doubled, expected: () => ({}) } satisfies KernelCase;
  await rejects(checkCase(gpu, without), /scale doubled: nothing is known about 'y'/);
  const missing: KernelCase = {
    ...doubled,
    inputs: { x: { shape: [67] } }, // without gradient
    expected: (given) => doubled.expected({ ...given, 'd y': given.x! }, asGiven),
  };
  await rejects(checkCase(gpu, missing), /scale doubled: nothing computes 'd x'/);
});

async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(() => undefined, (reason: Error) => reason);
  assert.match(String(error?.message), message);
}

test.run();
