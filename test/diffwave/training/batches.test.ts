import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import type { Batch } from '../../../src/diffwave/training/batches.ts';
import type { ClipSource } from '../../../src/diffwave/data/clips.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('batches');

/** Every sample of every clip is another number: clip + sample/1000. */
function countingClips({ clipCount, clipSamples }: { clipCount: number; clipSamples: number }): ClipSource {
  const clip = (i: number) => Float32Array.from({ length: clipSamples }, (_, n) => i + n / 1000);
  return { clipCount, clipSamples, clip };
}

const clips = countingClips({ clipCount: 5, clipSamples: 100 });
const SIZES = { B: 2, L: 30, T: 8, seed: 0 };

/** Which clip each item of a batch was cut from, and where. */
function cropsOf({ audio }: Batch, L: number): { clip: number; start: number }[] {
  return Array.from({ length: audio.length / L }, (_, item) => {
    const [clip, start] = [Math.floor(audio[item * L]!), Math.round((audio[item * L]! % 1) * 1000)];
    const want = clips.clip(clip).subarray(start, start + L);
    assert.equal(audio.slice(item * L, (item + 1) * L), Float32Array.from(want), 'a crop is a piece of one clip');
    return { clip, start };
  });
}

test('a batch is a function of seed and step, whatever was asked before', () => {
  const one = new BatchSource(clips, SIZES);
  const inOrder = Array.from({ length: 12 }, (_, step) => one.at(step));
  const other = new BatchSource(clips, SIZES);
  for (const step of [11, 0, 7, 3, 3]) assert.equal(other.at(step), inOrder[step], `step ${step}`);

  const reseeded = new BatchSource(clips, { ...SIZES, seed: 1 });
  const differs = inOrder.filter((batch, step) => batch.audio.some((value, i) => value !== reseeded.at(step).audio[i]));
  assert.ok(differs.length > 6, `another seed gives other crops, but only ${differs.length} of 12 batches differ`);
});

test('every clip comes once an epoch, in an order of the epoch\'s own', () => {
  const source = new BatchSource(clips, SIZES);
  const epochs = 8;
  const steps = (epochs * clips.clipCount) / SIZES.B;
  const crops = Array.from({ length: steps }, (_, step) => cropsOf(source.at(step), SIZES.L)).flat();
  const order = crops.map(({ clip }) => clip);
  const orders = new Set<string>();
  for (let epoch = 0; epoch < epochs; epoch++) {
    const seen = order.slice(epoch * clips.clipCount, (epoch + 1) * clips.clipCount);
    assert.equal([...seen].sort(), [0, 1, 2, 3, 4], `epoch ${epoch}`);
    orders.add(seen.join());
  }
  assert.ok(orders.size > 5, `${orders.size} different orders in ${epochs} epochs`); // there are 120
});

test('t covers 0 to T − 1 evenly, and crops the whole clip', () => {
  const source = new BatchSource(clips, SIZES);
  const steps = 400;
  const counts = new Array<number>(SIZES.T).fill(0);
  const starts = new Set<number>();
  for (let step = 0; step < steps; step++) {
    const batch = source.at(step);
    for (const t of batch.t) counts[t]!++;
    for (const { start } of cropsOf(batch, SIZES.L)) starts.add(start);
  }
  // 800 draws over 8 values: 100 each with a standard deviation of √(800 · 1/8 · 7/8) = 9.4; five of them are 47.
  assert.is(counts.length, SIZES.T);
  for (const [t, count] of counts.entries()) assert.ok(Math.abs(count - 100) <= 47, `t = ${t} came ${count} times`);
  // 71 places; each is missed by 800 draws with a probability of (70/71)^800 = 1e-5.
  assert.equal([...starts].sort((a, b) => a - b), Array.from({ length: 71 }, (_, start) => start));
});

test('timesteps and augmentation are as they are asked for', () => {
  const plain = new BatchSource(clips, { ...SIZES, T: 4, B: 4 });
  const options = { ...SIZES, T: 4, B: 4, timesteps: 'stratified', polarityFlip: true, gainDb: 6 } as const;
  const [source, other] = [new BatchSource(clips, options), new BatchSource(clips, options)];
  for (let step = 7; step >= 0; step--) {
    const { audio, t } = source.at(step);
    assert.equal([...t].sort(), [0, 1, 2, 3], 'one of each');
    for (let item = 0; item < 4; item++) {
      const [from, to] = [item * SIZES.L, (item + 1) * SIZES.L];
      const [got, crop] = [audio.slice(from, to), plain.at(step).audio.slice(from, to)];
      const factor = got[20]! / crop[20]!;
      got.forEach((value, i) => assert.ok(Math.abs(value - factor * crop[i]!) <= 1e-5 * Math.abs(value)));
    }
  }
  for (const step of [3, 0, 7]) assert.equal(other.at(step), source.at(step), 'a function of seed and step');
  const factors = [0, 1, 2].map((step) => source.at(step).audio[0]! / plain.at(step).audio[0]!);
  assert.is(new Set(factors).size, 3);
});

test('whole clips, and batches as large as the data set', () => {
  const source = new BatchSource(clips, { ...SIZES, B: 5, L: 100 });
  const crops = cropsOf(source.at(3), 100);
  assert.equal(crops.map(({ start }) => start), [0, 0, 0, 0, 0]);
  assert.equal(crops.map(({ clip }) => clip).sort(), [0, 1, 2, 3, 4]);
});

test('too few clips and too long crops are refused with the numbers and the flag', () => {
  for (const [sizes, message] of [
    [{ ...SIZES, B: 6 }, 'the data set has 5 clips, fewer than a batch of 6: add music or use a smaller `batchSize`'],
    [
      { ...SIZES, L: 101 },
      'crops of 101 samples were asked for, but a clip of the data set has 100: use smaller `cropSamples`',
    ],
  ] as const) {
    assert.throws(() => new BatchSource(clips, sizes), (error: Error) => {
      assert.instance(error, UserError);
      assert.is(error.message, message);
      return true;
    });
  }
});

test('a clip with a NaN is refused when it comes, wherever the crop is', () => {
  const clip = (i: number) => clips.clip(i).map((value, n) => (i === 3 && n === 99 ? NaN : value));
  const damaged = { ...clips, clip };
  const source = new BatchSource(damaged, SIZES);
  assert.throws(() => { for (let step = 0; step < 3; step++) source.at(step); }, (error: Error) => {
    assert.instance(error, UserError);
    assert.is(error.message, 'clip 3 of the data set has NaN at sample 99: prepare the data set again');
    return true;
  });
});

test.run();
