/** Dispatches in slices: which kernels, which grids, and the same results. */
import { readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { Trainer } from '../../../src/diffwave/training/trainer.ts';
import { slicesOf } from '../../../src/gpu/program/slices.ts';
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

for (const name of ['tile', 'broadcast'] as const) { // which have what is in the naive ones, too
  test(`a training of ${name} kernels, all of them in slices, has the same bits`, async () => {
    const gpu = await ownGpu();
    gpu.variant = variantNamed(name, gpu.device, gpu.info) ?? gpu.variant;
    const trained = async (longestSubmit: number) => {
      gpu.longestSubmit = longestSubmit;
      let units = 0;
      const { weights, problem, saved } = await trial({
        steps: 4, // two that are timed, two in slices
        onUpdate: async ({ executable: { program } }: Trainer) => {
          for (let wait = 0; longestSubmit < 1 && wait < 100 && program.pieces.length <= program.length; wait++) {
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
