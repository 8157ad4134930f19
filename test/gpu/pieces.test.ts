/** Programs in pieces: how they are cut, on a GPU whose dispatches take as long as the test says, and on the real one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Piece } from '../../src/gpu/pieces.ts';
import { Pieces, cut } from '../../src/gpu/pieces.ts';
import { Program } from '../../src/gpu/program.ts';
import { ownGpu } from '../gpuForTests.ts';

const test = suite('pieces');

const spans = (pieces: readonly Piece[]): string => pieces.map(({ start, end }) => `${start}-${end}`).join(' ');
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A program on a GPU whose dispatch i takes `milliseconds[i]`, which the test may change; pieces may take 10. */
function scripted(milliseconds: number[]) {
  let now = performance.now() + 1e6; // on the GPU's clock, which nothing here reaches
  const submits: Piece[] = [];
  const gpu = {
    longestSubmit: 10,
    isLost: false,
    timings: 0,
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
  const pieces = new Pieces(gpu, milliseconds.length);
  const run = async (): Promise<string> => {
    submits.length = 0;
    pieces.submit((piece) => piece as unknown as GPUCommandBuffer);
    const submitted = spans(submits);
    await settled();
    return submitted;
  };
  return { gpu, run, pieces };
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
  const later = async () => {
    for (let i = 0; i < 64; i++) await run();
    return spans(pieces.current);
  };
  assert.is(await later(), '0-5');
  milliseconds.splice(0, 5, 4, 4, 4, 4, 40);
  assert.is(await later(), '0-2 2-5');
  assert.is(await later(), '0-2 2-3 3-5');
  assert.is(await later(), '0-2 2-3 3-4 4-5');
  assert.is(await later(), '0-2 2-3 3-4 4-5');
});

test('a program of one dispatch is not timed, and a lost GPU teaches nothing', async () => {
  const single = scripted([99]);
  assert.is(await single.run(), '0-1');
  assert.is(single.gpu.timings, 0);
  const { run, gpu } = scripted([1, 1]);
  gpu.isLost = true;
  assert.is(await run(), '0-1 1-2');
  assert.is(await run(), '0-1 1-2');
  gpu.isLost = false;
  assert.is(await run(), '0-1 1-2');
  assert.is(await run(), '0-2');
});

test('a chain of dispatches gives the same, in order, in one submit and in as many as there are dispatches', async () => {
  const gpu = await ownGpu();
  const length = 5;
  const ranges = Array.from({ length: length + 1 }, (_, i) => ({ buffer: gpu.buffers.acquire(256, `x${i}`), offset: 0, size: 256 }));
  const scaled = (i: number) => ({
    kernel: { shader: 'scale', entry: 'forward', constants: { Lane: 'f32' } },
    bindings: { x: ranges[i], y: ranges[i + 1] },
    writes: ['y'],
    params: { count: 64, factor: i + 2 },
    workgroups: 1,
  });
  for (const [longestSubmit, submits] of [[-1, length], [Infinity, 1]]) { // nothing is shorter than −1 ms
    gpu.longestSubmit = longestSubmit;
    const program = await Program.build(gpu, Array.from({ length }, (_, i) => scaled(i)));
    for (let run = 0; run < 3; run++) {
      gpu.device.queue.writeBuffer(ranges[0].buffer, 0, new Float32Array(64).fill(run + 1));
      program.run();
      await gpu.idle();
      await settled();
      const [first] = new Float32Array(await gpu.read(ranges[length].buffer, ranges[length]));
      assert.is(first, (run + 1) * 2 * 3 * 4 * 5 * 6);
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
