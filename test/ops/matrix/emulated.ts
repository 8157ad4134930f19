/**
 * Subgroup matrices for adapters without them: the same kernels, of which only the section that knows of matrices is other text.
 * Everything else, staging, indices, masks, scales, what is done with the sums, is really executed, in subgroups of the adapter.
 * A matrix is dealt out to the lanes of a subgroup, and an operation is the whole subgroup's, with the first lane's arguments, as
 * it is on hardware.
 */
import { readFileSync } from 'node:fs';
import type { MatrixSettings, MatrixShape } from '../../../src/gpu/device/matrix.ts';
import { chooseMatrix, matrixLanes } from '../../../src/gpu/device/matrix.ts';
import type { VariantSettings } from '../../../src/gpu/device/variant.ts';
import { defaultTile } from '../../../src/gpu/device/variant.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import type { KernelCase } from '../../../src/verify/case.ts';
import { checkVariant } from '../../../src/verify/run.ts';
import { ownGpu } from '../../gpuForTests.ts';

export const matrixShaders = ['conv1d.matrix', 'weightGradient.matrix', 'residualLayer.matrix'] as const;

export const shaderText = (stem: string): string =>
  readFileSync(new URL(`../../../shaders/${stem}.wgsl`, import.meta.url), 'utf8');

/** The section of a shader that knows of matrices. */
export const matrixSection = /^\/\/ Subgroup matrices: [\s\S]*?^\/\/ End of subgroup matrices\.$/m;

/**
 * The kernel's text with loops in the place of matrices of this shape. Factors stay where they are staged; the vec4f of a result
 * are dealt out to the invocations of what counts as a subgroup, SUBGROUP of them, more than the adapter's own have: fewer sums an
 * invocation, which Mesa compiles in a fraction of the time. Loops end where a uniform says so, as it would unroll them otherwise.
 */
export function emulated(text: string, { M, N, subgroup }: { M: number; N: number; subgroup: number }): string {
  const [section = ''] = matrixSection.exec(text) ?? [];
  const [, order] = /subgroupMatrixLoad<Left, (row|col)_major>\(&inputs, at, INPUT_PITCH\)/.exec(section) ?? [];
  const [, right, pitch] = /subgroupMatrixLoad<Right, row_major>\(&(\w+), at, (\w+_PITCH)\)/.exec(section) ?? [];
  if (!order || !right) throw new Error('the section of subgroup matrices is not what is emulated here');
  const [row, column] = order === 'row' ? ['m', 'k'] : ['k', 'm'];
  const share = Array.from({ length: Math.ceil((M * N) / 4 / subgroup) }, (_, i) => i);
  const of = (i: number, body: (m: string, n: string) => string): string => {
    const place = `(lane + ${i * subgroup}u)`;
    return body(`${place} / ${N / 4}u % M`, `${place} % ${N / 4}u`);
  };
  return text.replace('enable chromium_experimental_subgroup_matrix;\n', '').replace(matrixSection, `
var<private> lane: u32;
struct Left { at: u32 }
struct Right { at: u32 }
struct Result { ${share.map((i) => `v${i}: vec4f`).join(', ')} }
fn subgroupOf(local: u32, id: u32) -> u32 { lane = local % SUBGROUP; return local / SUBGROUP; }
fn loadLeft(at: u32) -> Left { return Left(at); }
fn loadRight(at: u32) -> Right { return Right(at); }
fn product(left: Left, right: Right, m: u32, n: u32, k: u32) -> vec4f {
  return f32(inputs[left.at + ${row} * INPUT_PITCH + ${column} / 4u][${column} % 4u]) * vec4f(${right}[right.at + k * ${pitch} + n]);
}
fn multiply(left: Left, right: Right, sum: Result) -> Result {
  var total = sum;
  let end = select(K, 0u, params.groups == 0u);
  for (var k = 0u; k < end; k++) {
    ${share.map((i) => of(i, (m, n) => `total.v${i} += product(left, right, ${m}, ${n}, k);`)).join('\n    ')}
  }
  return total;
}
fn store(sum: Result, at: u32) {
  ${share.map((i) => of(i, (m, n) => `if (lane + ${i * subgroup}u < M * N / 4u) { results[at + (${m}) * RESULT_PITCH + ${n}] = sum.v${i}; }`)).join('\n  ')}
}`);
}

/** A Gpu of one's own whose `matrix` kernels are emulated for these settings; to be closed. */
export function emulatingGpu(settings: MatrixSettings, shaders: Readonly<Record<string, string>> = {}): Promise<Gpu> {
  const own = matrixShaders.map((stem) => [stem, emulated(shaders[stem] ?? shaderText(stem), settings)]);
  return ownGpu({ ...shaders, ...Object.fromEntries(own) });
}

export const shapes = {
  f16: { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 },
  f32: { componentType: 'f32', resultComponentType: 'f32', M: 8, N: 8, K: 8 },
} as const satisfies Record<string, MatrixShape>;

/** Settings as an adapter with this matrix shape and subgroups would have them. */
export function settingsFor(shape: MatrixShape, { subgroup = 64, memory = 32768 } = {}): MatrixSettings {
  const settings = chooseMatrix({
    features: { has: () => true },
    limits: { maxComputeWorkgroupStorageSize: memory, maxComputeInvocationsPerWorkgroup: 256 },
    info: { subgroupMinSize: subgroup, subgroupMaxSize: subgroup, subgroupMatrixConfigs: [shape] },
  });
  if (typeof settings === 'string') throw new Error(settings);
  return settings;
}

/**
 * Settings of no hardware: a workgroup of one row of large subgroups and large matrices. An invocation has half as many sums and so half
 * as many places in the text that touch workgroup memory, which is what Mesa's compiler takes its time for.
 */
export function compact(shape: MatrixShape): MatrixSettings {
  return { ...settingsFor({ ...shape, M: 16, N: 32 }), subgroup: 128, subgroupRows: 1, slab: 8, depth: 32, channels: 8 };
}

/** The variant with these settings, on an adapter with so much memory for a workgroup. */
export function matrixVariant(matrix: MatrixSettings, { memory = 32768 } = {}): VariantSettings {
  return { variant: 'matrix', lanes: matrixLanes, maxUniformBytes: 0, maxStorageBytes: 2 ** 27, maxWorkgroupBytes: memory, tile: defaultTile, matrix };
}

/** By their settings, as long as the process runs: cases with the same kernels compile them once. */
const emulating = new Map<string, Promise<Gpu>>();

/** Checks a case with emulated matrices: a line for everything that is wrong. With other `shaders` on a Gpu of its own. */
export async function failuresOf(kernelCase: KernelCase, settings: MatrixSettings, shaders?: Readonly<Record<string, string>>): Promise<string[]> {
  const key = JSON.stringify(settings);
  const opened = (shaders ? undefined : emulating.get(key)) ?? emulatingGpu(settings, shaders);
  if (!shaders) emulating.set(key, opened);
  const gpu = await opened;
  try {
    const rows = await checkVariant(gpu, kernelCase, matrixVariant(settings));
    return rows.filter(({ ok }) => !ok).map(({ direction, error, tolerance }) => `${direction}: error ${error}, tolerance ${tolerance}`);
  } finally {
    if (shaders) gpu.close();
  }
}
