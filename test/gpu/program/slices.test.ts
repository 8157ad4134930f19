/** Dispatches in slices: which kernels, which grids, and the same results. */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { Trainer } from '../../../src/diffwave/training/trainer.ts';
import type { Dispatch } from '../../../src/gpu/program/dispatch.ts';
import { Program } from '../../../src/gpu/program/program.ts';
import { guessedParts, slicesOf } from '../../../src/gpu/program/slices.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import { slicedText } from '../../../src/gpu/wgsl/sliced.ts';
import { variantNamed } from '../../../src/gpu/device/variant.ts';
import { config, trial } from '../../diffwave/trial.ts';
import { ownGpu } from '../../gpuForTests.ts';

const test = suite('slices');

test('every kernel counts its workgroups so that it can be sliced, but a short one', () => {
  const folder = new URL('../../../shaders/', import.meta.url);
  const whole = readdirSync(folder).filter((file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const sliced = slicedText(text);
    if (sliced === undefined) return true;
    assert.is(sliced.split('\n').length, text.split('\n').length, 'errors name the lines of the file');
    return false;
  });
  assert.equal(whole, ['keepFigure.wgsl', 'packWeights.wgsl']);
});

test('a kernel that counts otherwise is not sliced', () => {
  const kernel = (index: string) => `struct Params {\n  count: u32,\n}\n` +
    `fn a(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) { let i = ${index}; }`;
  assert.is(slicedText(kernel('id.x + id.y * groups.x * 64u')),
    kernel('id.x + (id.y + params.firstRow) * groups.x * 64u').replace('{\n', '{ firstRow: u32,\n'));
  assert.is(slicedText(kernel('id.x + groups.x * id.y * 64u')), undefined);
  assert.is(slicedText(kernel('id.x + id.y * groups.x').replace('struct Params', 'struct Other')), undefined);
});

test('slices cover the grid once, within the limit', () => {
  for (const workgroups of [1, 2, 7, 64, 1000, 65535, 65536, 1_000_003]) {
    for (const parts of [1, 2, 3, 7, 64]) {
      for (const limit of [2000, 65535]) {
        const slices = slicesOf(workgroups, parts, limit);
        const what = `${workgroups} in ${parts} within ${limit}`;
        assert.ok(slices.length >= 1 && slices.length <= parts, what);
        const { x, y } = slices[0]!;
        assert.ok(x >= 1 && x <= limit && y >= 1 && y <= limit, what);
        assert.equal(slices, slices.map((_, i) => ({ firstRow: i * y, x, y })), what);
        assert.ok(slices.length * x * y >= workgroups && (slices.length - 1) * x * y < workgroups, what);
      }
    }
  }
});

const usual = { longestSubmit: 500, caution: 1 };

test('before anything is timed, a dispatch has no more work than a slow GPU does in a quarter of a second', () => {
  const grid = { workgroups: 1e6 };
  assert.is(guessedParts({ ...grid, work: 12.5e9 }, usual), 1);
  assert.is(guessedParts({ ...grid, work: 12.6e9 }, usual), 2);
  assert.is(guessedParts({ ...grid, work: 201e9 }, usual), 17, 'diffwave-sc09 with 16 clips');
  assert.is(guessedParts({ ...grid, work: 201e9 }, { longestSubmit: 250, caution: 4 }), 129, 'and after the GPU was lost by it');
  assert.is(guessedParts({ ...grid, work: 1e15 }, usual), 256);
  assert.is(guessedParts(grid, usual), 1, 'nothing is said about it');
  assert.is(guessedParts(grid, { ...usual, caution: 4 }), 4);
  assert.is(guessedParts({ workgroups: 10 }, { ...usual, caution: 4 }), 1);
  assert.is(guessedParts({ ...grid, work: 1e12 }, { ...usual, longestSubmit: Infinity }), 1);
});

/** y = 3·x of many elements, as a dispatch of so much work. */
function scaledBy3(gpu: Gpu, work: number) {
  const [rows, count] = [1100, 64 * 1100 - 3];
  const [x, y] = ['x', 'y'].map((label) => ({ buffer: gpu.buffers.acquire(count * 4, label), offset: 0, size: count * 4 }));
  const dispatch: Dispatch = {
    kernel: { shader: 'scale', entry: 'forward', constants: { Lane: 'f32' } },
    bindings: { x: x!, y: y! }, writes: ['y'], params: { count, factor: 3 }, workgroups: rows, work,
  };
  const run = async (program: Program): Promise<boolean> => {
    gpu.device.queue.writeBuffer(x!.buffer, 0, Float32Array.from({ length: count }, (_, i) => i));
    gpu.device.queue.writeBuffer(y!.buffer, 0, new Float32Array(count));
    program.run();
    const got = new Float32Array(await gpu.read(y!.buffer, y!));
    return got.every((value, i) => value === 3 * i);
  };
  return { dispatch, run };
}

test('a program begins in slices, and is whole again once it turned out to be short', async () => {
  const gpu = await ownGpu();
  gpu.longestSubmit = 60_000; // nothing here is longer, however busy the machine is
  const { dispatch, run } = scaledBy3(gpu, 5 * 50e9 * 30);
  const program = await Program.build(gpu, [dispatch]);
  assert.is(program.pieces.length, 5);
  const { liveBytes } = gpu.buffers;
  assert.ok(await run(program));
  for (let wait = 0; wait < 1000 && program.pieces.length > 1; wait++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(program.pieces, [{ start: 0, end: 1 }]);
  gpu.buffers.trim();
  assert.is(gpu.buffers.liveBytes, liveBytes - 5 * 256, 'and has given back what the slices took');
  assert.ok(await run(program), 'with the same kernel');
  assert.is(gpu.kernels.size, 1);
  program.destroy();
  gpu.close();
});

test('slices that are too long are cut once more', async () => {
  const gpu = await ownGpu();
  gpu.longestSubmit = 60_000;
  const { dispatch, run } = scaledBy3(gpu, 2 * 50e9 * 30);
  const program = await Program.build(gpu, [dispatch]);
  assert.is(program.pieces.length, 2);
  gpu.longestSubmit = 1e-9; // now everything is too long
  for (let i = 0; i < 200 && program.pieces.length === 2; i++) {
    assert.ok(await run(program));
    await gpu.idle();
  }
  assert.is(program.pieces.length, Math.ceil(1100 / Math.ceil(1100 / (2 * 64))), '64 times as many, as far as the grid can be cut so');
  assert.ok(await run(program));
  program.destroy();
  gpu.close();
});

test('a GPU that is lost by what was not timed yet does it in more parts; one that is lost later does not', async () => {
  const gpu = await ownGpu();
  const build = async () => {
    const { dispatch, run } = scaledBy3(gpu, 10e9); // in one part, as things are
    return { program: await Program.build(gpu, [dispatch]), run };
  };
  const first = await build();
  assert.is(first.program.pieces.length, 1);
  assert.ok(await first.run(first.program));
  for (let wait = 0; wait < 1000 && gpu.untimed.size > 0; wait++) await new Promise((resolve) => setTimeout(resolve, 10));
  gpu.device.destroy();
  await gpu.recover();
  assert.is(gpu.caution, 1, 'it was timed');
  gpu.longestSubmit = 500;
  const second = await build();
  second.program.run();
  gpu.device.destroy();
  await gpu.recover();
  assert.equal([gpu.caution, gpu.longestSubmit], [4, 250]);
  const third = await build();
  assert.is(third.program.pieces.length, 7);
  assert.ok(await third.run(third.program));
  gpu.close();
});

for (const name of ['tile', 'broadcast'] as const) { // which have what is in the naive ones, too
  test(`a training of ${name} kernels, all of them in slices, has the same bits`, async () => {
    const gpu = await ownGpu();
    gpu.variant = variantNamed(name, gpu.device, gpu.info) ?? gpu.variant;
    const trained = async (longestSubmit: number) => {
      gpu.longestSubmit = longestSubmit;
      let units = 0;
      const { weights, problem, saved } = await trial({
        steps: 4, // two that are timed, convolutions in slices, and two with everything in slices
        onUpdate: async ({ step, executable: { program } }: Trainer) => {
          for (let wait = 0; longestSubmit < 1 && step > 1 && wait < 100 && program.pieces.length <= 100; wait++) {
            await gpu.idle();
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          units = program.pieces.length;
        },
      }, DiffWave.create(gpu, config, { seed: 5 }));
      if (problem) throw problem;
      const { m, v, average } = saved[0]!;
      return { units, state: { weights, m, v, average } };
    };
    const whole = await trained(Infinity);
    const sliced = await trained(1e-9); // ms: nothing is that short
    assert.equal(sliced.state, whole.state);
    assert.is(whole.units, 1);
    assert.ok(sliced.units > 100, `${sliced.units} submits a step`);
    gpu.close();
  });
}

test.run();
