/** The arithmetic behind `bench:step --explain`: a step on paper, what its kernels do, and which of them want a mark. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { trainingFlops } from '../../../src/roofline/flops.ts';
import { configured, sizesOf } from '../../../bench/lib/work.ts';
import { evaluate } from '../../../bench/step/expression.ts';
import { explain, explainOperations } from '../../../bench/step/explain.ts';
import type { GpuModel, Shape, Work } from '../../../bench/step/gpus.ts';
import { estimate, isTooNarrow, occupancy, residentGroups } from '../../../bench/step/gpus.ts';
import type { Recorded } from '../../../bench/step/kernelWork.ts';
import { workOf } from '../../../bench/step/kernelWork.ts';
import { stepOnPaper, variantOnPaper } from '../../../bench/step/paper.ts';
import { kernelFacts } from '../../../bench/step/shaderText.ts';
import { Tape } from '../../../src/autograd/tape.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { Trainer } from '../../../src/diffwave/training/trainer.ts';
import { kernelName } from '../../../src/gpu/wgsl/kernels.ts';
import type { VariantSettings } from '../../../src/gpu/device/variant.ts';
import { conv1d } from '../../../src/ops/conv1d.ts';
import { reduceInto } from '../../../src/ops/reduce.ts';
import { gpuForTests } from '../../gpuForTests.ts';

const test = suite('a step on paper');

/** 10 units of 100 lanes, a thousand operations a second and lane. */
const gpu: GpuModel = {
  name: 'made up', units: 10, lanes: 100, threads: 400, groups: 8, memory: 1000, memoryOverhead: 0,
  registers: 6400, mostRegisters: 64, width: 10, flops: 1e6, bandwidth: 1e5, cacheBandwidth: 1e6, latency: 1e-3, start: 0,
};
const idle: Work = { flops: 0, bytes: 0, loads: 0, staged: 0, barrierTurns: 0 };
const shape: Shape = { workgroups: 10, threads: 100, workgroupBytes: 0, registers: 16 };

function assertClose(got: number, want: number): void {
  assert.ok(Math.abs(got - want) <= 1e-12 * Math.abs(want), `got ${got}, wanted ${want}`);
}

test('a dispatch that fills the GPU takes its operations over the peak, one that does not takes longer', () => {
  const seconds = (workgroups: number, threads: number) => estimate({ ...idle, flops: 1e6 }, { ...shape, workgroups, threads }, gpu);
  assertClose(seconds(10, 100), 1);
  assertClose(seconds(1, 100), 10); // nine units have nothing to do
  assertClose(seconds(10, 20), 5); // four fifths of the lanes have not
  assertClose(seconds(11, 100), 20 / 11); // one unit has two, and the others wait for it
});

test('a dispatch with few threads cannot ask for the whole bandwidth', () => {
  const seconds = (workgroups: number) => estimate({ ...idle, bytes: 1e5 }, { ...shape, workgroups, threads: 1 }, { ...gpu, width: 1 });
  assertClose(seconds(1), 1e5 / (64 / 1e-3)); // four loads of 16 bytes in every millisecond
  assertClose(seconds(2), 1);
  assertClose(seconds(1000), 1);
});

test('what threads load one after the other they wait for', () => {
  assertClose(estimate({ ...idle, loads: 1000 * 40 }, shape, gpu), 10e-3); // 40 each, four at a time
  assertClose(estimate({ ...idle, barrierTurns: 7 }, shape, gpu), 7e-3);
  assertClose(estimate({ ...idle, barrierTurns: 7 }, { ...shape, workgroups: 41 }, gpu), 14e-3); // 40 at once, and one more
  assertClose(estimate(idle, shape, { ...gpu, start: 1 }), 1.001);
});

test('threads, memory, registers and the number of groups bound what is resident', () => {
  assert.is(residentGroups(shape, gpu), 4); // 400 threads of 100
  assert.is(residentGroups({ ...shape, threads: 95 }, gpu), 4); // those run in tens
  assert.is(residentGroups({ ...shape, threads: 10 }, gpu), 8);
  assert.is(residentGroups({ ...shape, workgroupBytes: 400 }, gpu), 2);
  assert.is(residentGroups({ ...shape, workgroupBytes: 400 }, { ...gpu, memoryOverhead: 200 }), 1);
  assert.is(residentGroups({ ...shape, registers: 25 }, gpu), 2); // 32 each: 3,200 a group
  assert.is(residentGroups({ ...shape, registers: 1000 }, gpu), 1); // the rest of them is in memory
  assert.is(residentGroups({ ...shape, workgroupBytes: 1001 }, gpu), 0);
  assertClose(occupancy({ ...shape, workgroupBytes: 400 }, gpu), 0.5);
});

test('few threads are marked, unless they are done at once', () => {
  const heavy: Work = { ...idle, flops: 1e9 };
  const narrow: Shape = { workgroups: 100, threads: 64, workgroupBytes: 0, registers: 16 };
  assert.ok(isTooNarrow(heavy, narrow));
  assert.not(isTooNarrow({ ...idle, flops: 1e6, bytes: 1e4 }, narrow));
  assert.not(isTooNarrow(heavy, { ...narrow, workgroups: 264 }), '16,896 threads');
  assert.ok(isTooNarrow(heavy, { ...narrow, workgroups: 263 }));
  assert.ok(isTooNarrow({ ...idle, bytes: 1e8 }, narrow));
  assert.ok(isTooNarrow({ ...idle, loads: 64 * 100 * 100 }, narrow), 'a hundred loads each, one after the other');
  assert.ok(isTooNarrow({ ...idle, flops: NaN }, narrow), 'what is not known is not fine');
});

const madeUp = `
alias Number = vec2f;
const SIDE = ROWS / 2u;                     // 8
const COUNT = max(SIDE * (3u + 1u), 5u);    // 32
var<workgroup> used: array<vec4f, COUNT>;   // 512 bytes
var<workgroup> other: array<Number, 100>;   // of the function that nobody calls
var<workgroup> pair: array<array<f32, 3>, 2>;
override BLOCK: u32 = 4u;
fn helper(v: vec4f) -> vec4f {              // 4 words, and 4
  let w = v + pair[0][1];
  return w;
}
fn lonely() { other[0] = Number(1.0); }
@compute @workgroup_size(SIDE, BLOCK)
fn main(@builtin(local_invocation_index) local: u32) {  // 1 word
  var sum = vec4f(0.0);                     // 5
  for (var i = 0u; i < COUNT; i++) {        // 6
    let a = used[i];                        // 10
    let b = a.x * 2.0;                      // 11
    { let c = helper(a); sum += c * b; }    // 15, and the helper's 8 where it is called: 19
  }
  let d = sum[0];                           // 6: what was in the loop is gone
}`;

test('threads, workgroup memory and registers are read off a text', () => {
  const kernel = { shader: 'made up', entry: 'main', constants: { ROWS: 16 }, overrides: { BLOCK: 6 } };
  assert.equal(kernelFacts(madeUp, kernel), { threads: 48, workgroupBytes: 512 + 24, registers: 19 + 16 });
  assert.is(kernelFacts(madeUp, { ...kernel, overrides: {} }).threads, 32);
  assert.throws(() => kernelFacts(madeUp, { ...kernel, entry: 'lonely' }), /no entry point 'lonely'/);
  assert.is(evaluate('7u / 2u * 2u + (9u % 4u)', new Map()), 7);
  assert.throws(() => evaluate('UNKNOWN + 1', new Map()), /no constant expression/);
});

test('what workgroups stage, counted by hand', () => {
  const [rows, C] = [128, 64];
  const stagedOf = (variant: VariantSettings): number => {
    const tape = new Tape({ variant });
    const of = (name: string, shape: number[]) => tape.input(name, shape);
    conv1d(tape, { x: of('x', [3, rows - 1, C]), weight: of('weight', [1, C, C]), bias: of('bias', [C]), dilation: 1 });
    return workOf(tape.operations.at(-1)!).staged;
  };
  const matrix = variantOnPaper('matrix');
  assert.is(stagedOf(matrix), 3 * (rows * C * 4 + C * C * 2 + C * 4)); // weights of two bytes, a bias of four
  assert.is(stagedOf({ ...matrix, matrix: { ...matrix.matrix!, component: 'f32' } }), 3 * (rows * C * 4 + C * C * 4 + C * 4));
  assertClose(estimate({ ...idle, staged: 1e6 }, shape, gpu), 1);
});

test('a sum of parts, counted by hand', () => {
  const tape = new Tape({ variant: variantOnPaper() });
  const partial = tape.input('partial', [6, 8]); // two segments of three parts
  const slot = { tensor: tape.result('sum', [2, 8]), accumulate: true };
  reduceInto(tape, slot, partial, { segments: 2, parts: 3, stride: 8, offset: 0, width: 8 });
  const { flops, bytes, loads, known } = workOf(tape.operations[0]!);
  assert.equal({ flops, bytes, loads, known }, { flops: 48, bytes: (48 + 2 * 16) * 4, loads: 12, known: true });
});

test('a layer in one kernel does what its two convolutions do', () => {
  const flopsOf = (maxWorkgroupBytes: number): number => stepOnPaper({ preset: 'gtzan', B: 1, L: 64 }, { variant: { ...variantOnPaper(), maxWorkgroupBytes } })
    .filter(({ kernel: { constants = {} } }) => ['LAYER', 'GATE', 'RESIDUAL'].some((task) => constants[task] === 1))
    .reduce((sum, operation) => sum + workOf(operation).flops, 0);
  assert.is(flopsOf(32_768), 64 * 10 * (49_152 + 16_384));
  assert.is(flopsOf(16_384), flopsOf(32_768));
});

test('sums of many tensors, counted by hand', () => {
  const table = (entries: number[][]): Recorded['reads'][string] => {
    const content = Uint32Array.from(entries.flat());
    return new Tape().constant('sums', [content.length], content);
  };
  const x = new Tape().input('partial', [1000]);
  // source, segments, parts, stride, offset, width, place, accumulate, factor, first
  const entries = [[0, 1, 5, 9, 0, 3, 0, 0, 0, 0], [1, 2, 4, 9, 0, 6, 0, 1, 0, 0]];
  const operation: Recorded = {
    kernel: { shader: 'reduceMany', entry: 'tree' }, reads: { partial0: x, partial1: x, table: table(entries) }, writes: { y: x }, workgroups: 1,
  };
  const { flops, bytes, loads } = workOf(operation);
  const added = 5 * 3 + 2 * 4 * 6;
  assert.equal({ flops, bytes, loads }, { flops: 4 * added, loads: added, bytes: 16 * (added + 3 + 2 * 2 * 6) });
});

test('a kernel that is not known says so', async () => {
  const tape = new Tape();
  const x = tape.input('x', [64]);
  const operation: Recorded = {
    kernel: { shader: 'own', source: '@compute @workgroup_size(8) fn f() { }', entry: 'f' }, reads: { x, again: x }, writes: { y: tape.result('y', [64]) }, workgroups: 8,
  };
  const [row] = await explainOperations([operation, operation]);
  assert.is(row!.dispatches, 2);
  assert.is(row!.work.known, false);
  assert.is(row!.work.bytes, 512);
});

test('the dispatches of a step of gtzan are those that a Trainer has with tile kernels', async () => {
  const sizes = { preset: 'gtzan', B: 2, L: 300 };
  const own = await gpuForTests();
  const usual = own.variant;
  own.variant = { ...variantOnPaper(), maxStorageBytes: own.variant.maxStorageBytes, maxUniformBytes: own.variant.maxUniformBytes };
  try {
    const { model: config, training, L } = configured(sizes);
    using model = DiffWave.create(own, config);
    using trainer = await Trainer.create({ model, training, L, memory: { microBatches: 1, recompute: false } });
    const real = trainer.plan.operations;
    const paper = stepOnPaper(sizes, { variant: own.variant });
    assert.equal(paper.map(({ kernel }) => kernelName(kernel)), real.map(({ kernel }) => kernelName(kernel)));
    assert.equal(paper.map(({ workgroups }) => workgroups), real.map(({ workgroups }) => workgroups));
  } finally {
    own.variant = usual;
  }
  const rows = await explainOperations(stepOnPaper(sizesOf('gtzan', {})));
  const dispatches = rows.reduce((sum, row) => sum + row.dispatches, 0);
  assert.is(dispatches, stepOnPaper(sizesOf('gtzan', {})).length);
  assert.ok(dispatches <= 85, `${dispatches} dispatches a step`);
  assert.equal(rows.filter(({ marked }) => marked).map(({ kernel }) => kernel), []); // none keeps a GPU waiting for few threads
});

test('its contractions do the operations of the network, and every kernel is known', async () => {
  for (const preset of Object.keys(PRESETS)) {
    const sizes = sizesOf(preset, {});
    const operations = stepOnPaper(sizes);
    const contracted = operations.filter(({ kernel }) => /^(conv1d|residualLayer|weightGradient)\b/.test(kernel.shader));
    const flops = contracted.reduce((sum, operation) => sum + workOf(operation).flops, 0);
    const wanted = trainingFlops(configured(sizes).model) * sizes.B * sizes.L;
    assert.ok(Math.abs(flops / wanted - 1) < 0.002, `${preset}: ${flops} of ${wanted}`);
    assert.equal(operations.filter((operation) => !workOf(operation).known).map(({ kernel }) => kernelName(kernel)), [], preset);
  }
});

test('a step by matrices does the same operations, faster where a GPU has units for them', async () => {
  const sizes = sizesOf('gtzan', {});
  const rows = await explainOperations(stepOnPaper(sizes, { training: { precision: 'matrix' } }));
  const byMatrices = rows.filter(({ work }) => work.matrices);
  const flops = byMatrices.reduce((sum, { dispatches, work }) => sum + dispatches * work.flops, 0);
  assert.ok(flops > 0.99 * trainingFlops(configured(sizes).model) * sizes.B * sizes.L);
  assert.equal(rows.filter(({ work }) => !work.known).map(({ kernel }) => kernel), []);
  const work = { ...idle, flops: 1e6 };
  assertClose(estimate({ ...work, matrices: true }, shape, { ...gpu, matrixFlops: 1e7 }), 0.1);
  assertClose(estimate({ ...work, matrices: true }, shape, gpu), 1);
  assertClose(estimate(work, shape, { ...gpu, matrixFlops: 1e7 }), 1);
  assert.match(await explain(sizes, 'matrix'), /^training step of gtzan, .*, matrix, kernels/);
});

test('matrices lie in the registers of a subgroup', () => {
  const text = `alias Result = subgroup_matrix_result<f32, 16, 8>;
    @compute @workgroup_size(64) fn main() { var a: Result; var b: subgroup_matrix_left<f16, 16, 16>; }`;
  const { registers } = kernelFacts(text, { shader: 'made up', entry: 'main', constants: { SUBGROUP: 32 } });
  assert.is(registers, 4 + 4 + 16);
});

test('the text has every kernel, the marks and what they were made of', async () => {
  const rows = await explainOperations(stepOnPaper(sizesOf('gtzan', {})));
  const text = await explain(sizesOf('gtzan', {}));
  for (const { kernel } of rows) assert.ok(text.includes(kernel), kernel);
  const marked = rows.filter((row) => row.marked).length;
  assert.is(text.split('\n').filter((line) => line.startsWith('!  ')).length, marked);
  for (const name of ['H100', 'RTX 4070', 'M3', 'UHD 620', 'latency']) assert.ok(text.includes(name), name);
});

test.run();
