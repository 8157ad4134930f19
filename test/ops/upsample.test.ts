import * as assert from 'uvu/assert';
import { Executable } from '../../src/autograd/executable.ts';
import { planTape } from '../../src/autograd/plan.ts';
import { Tape } from '../../src/autograd/tape.ts';
import type { UpsampleStage } from '../../src/ops/upsample.ts';
import { upsample, upsampleSpectrogram } from '../../src/ops/upsample.ts';
import { normals } from '../../src/reference/random.ts';
import { upsampleCases } from '../../src/verify/cases/upsample.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { kernelSuite } from './kernelSuite.ts';

const test = kernelSuite('upsample', upsampleCases);

test('windows of a clip hold the rows of the whole to the bit, wherever they begin, and nothing outside of it', async () => {
  const gpu = await gpuForTests();
  const [B, F, M, s, later] = [2, 7, 5, 4, 6];
  const L = F * s * later;
  const numbers = (stream: number, length: number) => Float32Array.from(normals({ seed: 1, stream, step: 0, item: 0, length }));

  const rowsFrom = async (width: number | undefined, starts: readonly number[]): Promise<Float32Array[]> => {
    const tape = new Tape({ variant: gpu.variant });
    const stage = (factor: number): UpsampleStage => ({
      weight: tape.constant('weight', [2 * factor, 3, 1, 1], numbers(factor, 6 * factor)), bias: tape.constant('bias', [1], new Float32Array([0.6])),
    });
    const spectrogram = tape.constant('spectrogram', [B, F, M], numbers(0, B * F * M));
    const y = tape.keep(upsampleSpectrogram(tape, { spectrogram, stages: [stage(s), stage(later)], width }));
    const executable = await Executable.build(gpu, planTape(tape));
    try {
      const found: Float32Array[] = [];
      for (const windowStart of starts) {
        executable.run({ windowStart });
        found.push(await executable.read(y));
      }
      return found;
    } finally {
      executable.destroy();
    }
  };

  const [trained] = await rowsFrom(undefined, [0]);
  const [whole] = await rowsFrom(L, [0]);
  assert.equal(whole, trained);
  for (const width of [1, 11, 12, 13, 37]) {
    const starts = [...Array.from({ length: 26 }, (_, i) => i - 13), 100, L - width, L - 5, L + 1];
    const found = await rowsFrom(width, starts);
    starts.forEach((start, n) => {
      const wanted = Float32Array.from({ length: B * width * M }, (_, i) => {
        const t = start + (Math.floor(i / M) % width);
        return t < 0 || t >= L ? 0 : whole![(Math.floor(i / M / width) * L + t) * M + (i % M)]!;
      });
      assert.equal(found[n], wanted, `${width} rows from ${start} on`);
    });
  }
});

test('shapes that do not fit are refused', () => {
  const tape = new Tape();
  const x = tape.input('x', [1, 5, 3]);
  const stage = (weight: number[], bias = [1]) => ({ weight: tape.input('weight', weight), bias: tape.input('bias', bias) });
  assert.is(upsample(tape, { x, ...stage([4, 3, 1, 1]) }).shape.join(), '1,10,3');
  for (const wrong of [stage([2, 3, 1, 1]), stage([5, 3, 1, 1]), stage([4, 5, 1, 1]), stage([4, 3]), stage([4, 3, 1, 1], [2])]) {
    assert.throws(() => upsample(tape, { x, ...wrong }), (error: unknown) => error instanceof TypeError && /^upsample.*got (weight|bias)/.test(error.message));
  }
  assert.throws(() => upsample(tape, { x: tape.input('x', [5, 3]), ...stage([4, 3, 1, 1]) }), /upsample: wanted \(B, L, C\)/);
});

test.run();
