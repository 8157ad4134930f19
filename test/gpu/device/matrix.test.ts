/** Which subgroup matrices are used, from what adapters list. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MatrixShape } from '../../../src/gpu/device/matrix.ts';
import { chooseMatrix, matrixThreads, workgroupBytes } from '../../../src/gpu/device/matrix.ts';

const test = suite('matrix shapes');

const shape = (componentType: string, resultComponentType: string, [M, N, K]: [number, number, number]): MatrixShape =>
  ({ componentType, resultComponentType, M, N, K });

/** In the order in which drivers list them. */
const nvidia = [
  shape('f16', 'f16', [16, 16, 16]), shape('f16', 'f32', [16, 8, 8]), shape('f16', 'f32', [16, 8, 16]), shape('f16', 'f32', [16, 16, 16]),
  shape('u8', 'u32', [16, 16, 32]), shape('i8', 'i32', [16, 16, 32]),
];
const apple = [shape('f32', 'f32', [8, 8, 8]), shape('f16', 'f16', [8, 8, 8])];

function choose({ features = ['chromium-experimental-subgroup-matrix', 'shader-f16'], memory = 49152, invocations = 1024, sizes = [32, 32], shapes = nvidia, vendor }: {
  features?: string[]; memory?: number; invocations?: number; sizes?: [number, number]; shapes?: MatrixShape[]; vendor?: string;
} = {}) {
  return chooseMatrix({
    features: new Set(features),
    limits: { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup: invocations },
    info: { vendor, subgroupMinSize: sizes[0], subgroupMaxSize: sizes[1], subgroupMatrixConfigs: shapes },
  });
}

function settings(options: Parameters<typeof choose>[0]) {
  const chosen = choose(options);
  if (typeof chosen === 'string') throw new Error(chosen);
  return chosen;
}

test('NVIDIA: the largest of f16 whose sums are f32', () => {
  const { component, M, N, K, subgroup, pinned, subgroupRows } = settings({});
  assert.equal([component, M, N, K, subgroup, pinned, subgroupRows], ['f16', 16, 16, 16, 32, false, 4]);
});

test('Apple: f32, as sums of f16 would be f16', () => {
  const { component, M, N, K, subgroup } = settings({ shapes: apple, memory: 32768 });
  assert.equal([component, M, N, K, subgroup], ['f32', 8, 8, 8, 32]);
});

test('f16 is no choice on a device without it', () => {
  assert.match(choose({ features: ['chromium-experimental-subgroup-matrix'] }) as string, /f16 or f32 ones with sums in f32 are wanted/);
  const both = [...nvidia, ...apple];
  assert.is(settings({ features: ['chromium-experimental-subgroup-matrix'], shapes: both }).component, 'f32');
});

test('whatever is chosen fits, and gives every invocation as much to do', () => {
  for (const memory of [16384, 32768, 49152]) {
    for (const [invocations, subgroup] of [[256, 32], [256, 64], [1024, 32], [1024, 64], [256, 16]] as const) {
      for (const shapes of [nvidia, apple]) {
        const chosen = choose({ memory, invocations, sizes: [subgroup, subgroup], shapes });
        if (typeof chosen === 'string') {
          assert.ok(memory === 16384 && subgroup === 64, `${chosen}: ${memory} bytes, subgroups of ${subgroup}`);
          continue;
        }
        assert.ok(workgroupBytes(chosen) <= memory && matrixThreads(chosen) <= invocations);
        for (const wide of [16, 32]) {
          for (const count of [chosen.subgroupRows * 32 * chosen.slab, chosen.slab * 4 * wide, chosen.depth * wide, chosen.depth * chosen.channels]) {
            assert.is(count % matrixThreads(chosen), 0);
          }
          assert.is(matrixThreads(chosen) % wide, 0, 'an invocation stays in its column');
        }
      }
    }
  }
  assert.is(settings({ memory: 16384 }).subgroupRows, 2);
});

test('subgroups of several sizes are used only where one can be asked for', () => {
  assert.match(choose({ sizes: [32, 64] }) as string, /subgroups have 32 to 64 invocations/);
  const features = ['chromium-experimental-subgroup-matrix', 'shader-f16', 'subgroup-size-control'];
  const sizes = ([[32, 64], [8, 16], [64, 128]] as const).map(([least, most]) => settings({ features, sizes: [least, most] }));
  assert.equal(sizes.map(({ subgroup, pinned }) => [subgroup, pinned]), [[32, true], [16, true], [64, true]]);
});

test("Apple's subgroups have 32, whatever Metal lists", () => {
  for (const memory of [16384, 32768]) {
    const { subgroup, pinned, subgroupRows } = settings({ vendor: 'apple', shapes: apple, sizes: [4, 64], memory });
    assert.equal([subgroup, pinned, subgroupRows], [32, false, memory === 16384 ? 2 : 4]);
  }
  assert.match(choose({ shapes: apple, sizes: [4, 64] }) as string, /subgroups have 4 to 64 invocations/);
  assert.match(choose({ vendor: 'apple', shapes: apple, sizes: [4, 512] }) as string, /workgroups are too small/);
});

test('without anything usable the reason is said', () => {
  assert.is(choose({ features: ['shader-f16'] }), 'it has no subgroup matrices');
  assert.match(choose({ shapes: [] }) as string, /its subgroup matrices are none, and/);
  assert.match(choose({ shapes: apple.slice(1) }) as string, /its subgroup matrices are 8×8×8 f16 to f16, and/);
  assert.match(choose({ shapes: [shape('f16', 'f32', [64, 64, 16])] }) as string, /64×64×16 f16 to f32, and/);
  assert.match(choose({ memory: 8192 }) as string, /too small: 1024 invocations, 8192 bytes/);
});

test.run();
