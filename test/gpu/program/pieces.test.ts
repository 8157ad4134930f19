/** Programs in pieces: how they are cut, on a GPU whose dispatches take as long as the test says, and on the real one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Piece, TooLong } from '../../../src/gpu/program/pieces.ts';
import { Pieces, cut } from '../../../src/gpu/program/pieces.ts';
import { Program } from '../../../src/gpu/program/program.ts';
import { ownGpu } from '../../gpuForTests.ts';

const test = suite('pieces');

const spans = (pieces: readonly Piece[]): string => pieces.map(({ start, end }) => `${start}-${end}`).join(' ');
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

/** A program on a GPU whose dispatch i takes `milliseconds[i]`, which the test may change; pieces may take 10. */
function scripted(milliseconds: number[]) {
  let now = performance.now() + 1e6; // on the GPU's clock, which nothing here reaches
  const submits: Piece[] = [];
  const gpu = {
    longestSubmit: 10,
    isLost: false,
    timings: 0,
    untimed: new Set<object>(),
    wasTimed: (program: object) => void gpu.untimed.delete(program),
    submit: (commands: GPUCommandBuffer) => {
      const piece = commands as unknown as Piece;
      submits.push(piece);
      now += milliseconds.slice(piece.start, piece.end).reduce((sum, each) => sum + each, 0);
    },
    submittedWorkDone: async () => {
      gpu.timings++;
      if (gpu.isLost) throw new Error('lost');
      return now;
    },
  };
  const told: TooLong[] = [];
  const shorts: number[] = []; // submits of the runs that were said to be short
  const pieces = new Pieces(gpu, milliseconds.length, { onTooLong: (long) => told.push(...long), onShort: () => shorts.push(submits.length) });
  const run = async (): Promise<string> => {
    submits.length = 0;
    pieces.submit((piece) => piece as unknown as GPUCommandBuffer);
    const submitted = spans(submits);
    await settled();
    return submitted;
  };
  return { gpu, run, pieces, told, shorts };
}

test('as few pieces as possible, none too long unless one dispatch is', () => {
  assert.is(spans(cut([1, 2, 3], 6)), '0-3');
  assert.is(spans(cut([1, 2, 3], 5)), '0-2 2-3');
  assert.is(spans(cut([5, 5, 5, 5], 10)), '0-2 2-4');
  assert.is(spans(cut([1, 99, 1, 1], 10)), '0-1 1-2 2-4');
  assert.is(spans(cut([99, 99], 10)), '0-1 1-2');
  assert.is(spans(cut([0, 0, 0], 0)), '0-3');
  assert.is(spans(cut([99], 10)), '0-1');
});

test('a fast GPU gets a submit a run, once the first run has shown that it is one', async () => {
  const { run, gpu } = scripted([3, 3, 4]);
  assert.is(await run(), '0-1 1-2 2-3');
  assert.is(gpu.timings, 4);
  for (let i = 0; i < 60; i++) assert.is(await run(), '0-3');
  assert.is(gpu.timings, 4, 'and is not asked for the time');
});

test('a slow one gets pieces that it needs no longer for than it should', async () => {
  const { run } = scripted([3, 6, 4, 25, 1, 2, 3]);
  assert.is(await run(), '0-1 1-2 2-3 3-4 4-5 5-6 6-7');
  assert.is(await run(), '0-1 1-2 2-3 3-4 4-5 5-6 6-7', 'the first run may have been that slow for a driver that compiles');
  for (let i = 0; i < 10; i++) assert.is(await run(), '0-2 2-3 3-4 4-7');
});

test('a first run that was slow is not the measure', async () => {
  const milliseconds = [300, 400];
  const { run } = scripted(milliseconds);
  await run();
  milliseconds.splice(0, 2, 3, 4);
  assert.is(await run(), '0-1 1-2');
  assert.is(await run(), '0-2');
});

test('what becomes too long later is halved until it fits, or is one dispatch', async () => {
  const milliseconds = [1, 1, 1, 1, 1];
  const { run, pieces } = scripted(milliseconds);
  await run();
  assert.is(spans(pieces.current), '0-5');
  const after64 = async () => {
    for (let i = 0; i < 64; i++) await run();
    return spans(pieces.current);
  };
  assert.is(await after64(), '0-5');
  milliseconds.splice(0, 5, 4, 4, 4, 4, 40);
  assert.is(await after64(), '0-2 2-5');
  assert.is(await after64(), '0-2 2-3 3-5');
  assert.is(await after64(), '0-2 2-3 3-4 4-5');
  assert.is(await after64(), '0-2 2-3 3-4 4-5');
});

test('who made the pieces is told of dispatches that are too long, and how many parts they should have', async () => {
  const milliseconds = [99, 1, 1, 31];
  const { run, told } = scripted(milliseconds);
  await run();
  assert.equal(told, [], 'the first run may have been that slow for a driver that compiles');
  await run();
  assert.equal(told.splice(0), [{ at: 0, parts: 10 }, { at: 3, parts: 4 }]);
  for (let i = 2; i <= 64; i++) await run();
  assert.equal(told.splice(0), [{ at: 0, parts: 10 }, { at: 3, parts: 4 }], 'again when it is timed again');
  milliseconds[0] = 1e9;
  for (let i = 0; i < 64; i++) await run();
  assert.is(told[0]!.parts, 64);
});

test('who made the pieces is told once that a run is short, which is not before it is', async () => {
  const milliseconds = [300, 400];
  const { run, pieces, shorts, gpu } = scripted(milliseconds);
  await run();
  assert.equal(shorts, [], 'slow for a driver that compiles, perhaps');
  milliseconds.splice(0, 2, 3, 4);
  for (let i = 0; i < 70; i++) await run();
  assert.is(shorts.length, 1);
  pieces.joined(1);
  assert.is(await run(), '0-1');
  assert.is(gpu.untimed.size, 0);
});

test('a program is untimed from its first submit until it was timed', async () => {
  const { run, gpu, pieces } = scripted([1, 99]);
  assert.is(gpu.untimed.size, 0);
  gpu.isLost = true;
  await run();
  assert.ok(gpu.untimed.has(pieces), 'also when the GPU is lost meanwhile');
  gpu.isLost = false;
  await run();
  assert.is(gpu.untimed.size, 0, 'and not when it was slow');
});

test('a lost GPU teaches nothing', async () => {
  const { run, gpu } = scripted([1, 1]);
  gpu.isLost = true;
  assert.is(await run(), '0-1 1-2');
  assert.is(await run(), '0-1 1-2');
  gpu.isLost = false;
  assert.is(await run(), '0-1 1-2');
  assert.is(await run(), '0-2');
});

test('a chain of dispatches gives the same, in order, in one submit in one for each dispatch, and with every dispatch in slices', async () => {
  const gpu = await ownGpu();
  const [length, rows] = [5, 7];
  const count = 64 * rows - 3;
  const ranges = Array.from({ length: length + 1 }, (_, i) =>
    ({ buffer: gpu.buffers.acquire(count * 4, `x${i}`), offset: 0, size: count * 4 }));
  const scaled = (i: number) => ({
    kernel: { shader: 'scale', entry: 'forward', constants: { Lane: 'f32' } },
    bindings: { x: ranges[i]!, y: ranges[i + 1]! },
    writes: ['y'],
    params: { count, factor: i + 2 },
    workgroups: rows,
  });
  const nothingIsShort = { whole: -1, sliced: 1e-9 }; // ms; no number of parts makes a dispatch shorter than −1
  for (const [longestSubmit, submits] of [[Infinity, 1], [nothingIsShort.whole, length], [nothingIsShort.sliced, length * rows]] as const) {
    gpu.longestSubmit = longestSubmit;
    const program = await Program.build(gpu, Array.from({ length }, (_, i) => scaled(i)));
    for (let run = 0; run < 8; run++) {
      gpu.device.queue.writeBuffer(ranges[0]!.buffer, 0, Float32Array.from({ length: count }, (_, i) => i + run));
      gpu.device.queue.writeBuffer(ranges[length]!.buffer, 0, new Float32Array(count));
      program.run();
      const got = new Float32Array(await gpu.read(ranges[length]!.buffer, ranges[length]!));
      assert.equal([...got], Array.from(got, (_, i) => (i + run) * 2 * 3 * 4 * 5 * 6));
      for (let wait = 0; run === 1 && wait < 1000 && program.pieces.length !== submits; wait++) await later();
    }
    assert.is(program.pieces.length, submits);
    let submitted = 0;
    const { submit } = gpu;
    gpu.submit = (commands) => (submitted++, submit.call(gpu, commands));
    program.run();
    gpu.submit = submit;
    assert.is(submitted, submits);
    await gpu.idle();
    program.destroy();
  }
  gpu.close();
});

test.run();
