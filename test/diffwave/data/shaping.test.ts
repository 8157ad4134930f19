/** Sound on its way to the network and back: exact inverses, and what stays what it was to the bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { largestShaped, noiseGain, shape, shapedGap, unshape, unshapeGap } from '../../../src/audio/shaping.ts';
import { shapedClips, unitScale } from '../../../src/diffwave/data/shapedClips.ts';
import { configFor, validateConfig } from '../../../src/diffwave/model/config.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { levelsOf } from '../../../src/diffwave/sampling/samplers/levels.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { continuation, denoise, inpaint, variation } from '../../../src/diffwave/sampling/verbs.ts';
import { scheduleOf } from '../../../src/diffwave/schedule/schedule.ts';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import { rootMeanSquare } from '../../../src/audio/level.ts';
import { UserError } from '../../../src/errors.ts';
import { assertClose } from '../../close.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('shaping');

const shapings = [{ scale: 1, emphasis: 0 }, { scale: 5.5, emphasis: 0 }, { scale: 1, emphasis: 0.95 }, { scale: 0.3, emphasis: 0.7 }];

test('the filter by hand, and the same after a sample before', () => {
  assert.equal(shape(Float32Array.of(1, 2, -4), { scale: 2, emphasis: 0.5 }), Float32Array.of(2, 3, -10));
  assert.equal(shape(Float32Array.of(2, -4), { scale: 2, emphasis: 0.5 }, 1), Float32Array.of(3, -10));
});

test('the way back is the inverse, for a loop as well', () => {
  for (const shaping of shapings) {
    for (const L of [1, 2, 61, 4096]) {
      const audio = clip(L, 1);
      const made = shape(audio, shaping);
      unshape(made, shaping);
      assertClose(made, audio, { rtol: 1e-5, atol: 2e-6, what: `L ${L}` });
      const round = shape(audio, shaping, audio.at(-1)!);
      unshape(round, shaping, { loop: true });
      assertClose(round, audio, { rtol: 1e-5, atol: 2e-6, what: `loop, L ${L}` });
    }
  }
});

test('around a gap the sound stays to the bit, inside it is what was made, and it meets what follows', () => {
  const known = clip(200, 2);
  for (const shaping of shapings.slice(1)) {
    for (const gap of [[50, 90], [0, 40], [150, 200], [99, 100]] as const) {
      const made = shape(known, shaping);
      unshapeGap(made, shaping, { known, gap });
      assertClose(made, known, { rtol: 1e-5, atol: 2e-6, what: `gap ${gap}` });
      const [from, to] = gap;
      const other = shape(clip(200, 3), shaping); // what a network made of all of it
      unshapeGap(other, shaping, { known, gap });
      assert.equal(other.slice(0, from), known.slice(0, from));
      assert.equal(other.slice(to), known.slice(to));
    }
  }
  // A sound that goes on behind the gap from 1 as the network wants it, where 0 is: the step is spread over the gap.
  const shaping = { scale: 1, emphasis: 0.9 };
  const made = new Float32Array(100);
  made[10] = 1;
  const silence = new Float32Array(100);
  unshapeGap(made, shaping, { known: silence, gap: [10, 60] });
  const wanted = Array.from({ length: 50 }, (_, n) => 0.9 ** n - 0.9 ** 50 * 0.9 ** (50 - n));
  assertClose(made.slice(10, 60), wanted, { rtol: 1e-5, what: 'decay' });
});

test('figures of the filter', () => {
  const shaping = { scale: 3, emphasis: 0.95 };
  assertClose([rootMeanSquare(shape(clip(100_000, 1), shaping))], [noiseGain(shaping)], { rtol: 0.01, what: 'white noise' });
  assertClose([Math.max(...shape(Float32Array.of(0, 1, -1, 1), shaping).map(Math.abs))], [largestShaped(1, shaping)], { rtol: 1e-6, what: 'peak' });
  assert.equal([shapedGap([3, 8], { L: 20, emphasis: 0 }), shapedGap([3, 8], { L: 20, emphasis: 0.5 }), shapedGap([3, 20], { L: 20, emphasis: 0.5 })], [[3, 8], [3, 9], [3, 20]]);
});

const clips = { clipCount: 5, clipSamples: 100, sampleRate: 8000, clip: (i: number) => clip(100, i).map((value) => value * (i + 1) * 0.1) };

test('the scale is found in the data, and the network has to know it', () => {
  for (const emphasis of [0, 0.95]) {
    const seen = shapedClips(clips, { scale: unitScale(clips, emphasis), emphasis });
    const all = Float32Array.from(Array.from({ length: 5 }, (_, i) => [...seen.clip(i)]).flat());
    assertClose([rootMeanSquare(all)], [1], { rtol: 1e-5, what: 'RMS' });
  }
  assert.is(unitScale({ clipCount: 1, clipSamples: 3, clip: () => new Float32Array(3) }, 0), 1);
  const wanted = { ...tinyConfig, scale: 'unit' as const };
  validateConfig(wanted, 'preset');
  const found = configFor(wanted, clips);
  assert.is(found.sampleRate, 8000);
  assert.is(found.scale, unitScale(clips, 0));
  assert.is(configFor({ ...tinyConfig, scale: 2 }, clips).scale, 2);
});

test('a network of an unknown scale is refused', async () => {
  const gpu = await gpuForTests();
  assert.throws(() => DiffWave.create(gpu, { ...tinyConfig, scale: 'unit' }), (error: unknown) => error instanceof UserError && /scale "unit"/.test(error.message));
});

test('a batch is cut from the clip as the network sees it', () => {
  const shaping = { scale: 4, emphasis: 0.9 };
  const sizes = { B: 3, L: 30, T: 8, seed: 1 };
  const [seen, own] = [new BatchSource(clips, { ...sizes, shaping }), new BatchSource(shapedClips(clips, shaping), sizes)];
  for (const step of [0, 1, 7]) assertClose(seen.at(step).audio, own.at(step).audio, { rtol: 1e-6, what: `step ${step}` });
  const changed = { ...sizes, shaping, polarityFlip: true, gainDb: 6 };
  const [louder, plain] = [new BatchSource(clips, changed).at(3).audio, seen.at(3).audio];
  for (let item = 0; item < 3; item++) {
    const factor = louder[item * 30 + 5]! / plain[item * 30 + 5]!;
    const of = (audio: Float32Array): Float32Array => audio.slice(item * 30, item * 30 + 30);
    assertClose(of(louder), of(plain).map((value) => factor * value), { rtol: 1e-5, what: `item ${item}: one factor, from the first sample on` });
  }
});

const L = 61;
const audio = clip(L, 3).map((value) => value / 4);

/** Samples of the tiny network with this shaping, and of the same network without. */
async function pair(shaping: { scale: number; emphasis: number }, options: Omit<SampleOptions, 'shape'> & { L?: number }, plain: Partial<SampleOptions> = {}) {
  const made: Float32Array[] = [];
  const bare = await tinyModel();
  const weights = await bare.weights();
  for (const [config, own] of [[{ ...tinyConfig, ...shaping }, {}], [tinyConfig, plain]] as const) {
    const model = DiffWave.create(await gpuForTests(), config);
    model.restore(weights);
    made.push((await sample(model, { seed: 6, ...options, ...own, shape: [1, options.L ?? L] })).audio[0]!);
    model.destroy();
  }
  bare.destroy();
  return made as [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>];
}

test('a new sound is what the network made, taken back', async () => {
  for (const shaping of shapings) {
    const [heard, made] = await pair(shaping, {});
    unshape(made, shaping);
    assert.equal(heard, made);
    const [round, loop] = await pair(shaping, { loop: true });
    unshape(loop, shaping, { loop: true });
    assert.equal(round, loop);
  }
});

test('a sound is taken to the network as it sees it', async () => {
  for (const shaping of shapings) {
    const [heard, made] = await pair(shaping, { verb: variation({ audio, strength: 0.5 }) }, { verb: variation({ audio: shape(audio, shaping), strength: 0.5 }) });
    unshape(made, shaping);
    assert.equal(heard, made);
  }
});

test('what is known stays to the bit, and what was in the gap has no influence', async () => {
  for (const shaping of shapings) {
    const filled = async (sound: Float32Array): Promise<Float32Array> => (await pair(shaping, { verb: inpaint({ audio: sound, from: 17, to: 40 }) }))[0];
    const made = await filled(audio);
    assert.equal(made.slice(0, 17), audio.slice(0, 17));
    assert.equal(made.slice(40), audio.slice(40));
    assert.equal(await filled(audio.map((value, i) => (i >= 17 && i < 40 ? value + 1 : value))), made);
    const [longer] = await pair(shaping, { verb: continuation({ audio, samples: 20 }), L: L + 20 });
    assert.equal(longer.slice(0, L), audio);
  }
});

test('noise to be removed is as strong as the network sees it', () => {
  const noisy = clip(4096, 1); // of deviation 1
  const shaping = { scale: 0.5, emphasis: 0.75 };
  const schedule = scheduleOf(tinyConfig);
  const journey = denoise({ audio: noisy })({ schedule, levels: levelsOf(schedule), shaping });
  if (journey.start === 'noise') throw new Error('it begins with the sound');
  const ratio = 0.5 * Math.sqrt(1 + 0.75 ** 2);
  assert.ok(schedule.alphaBar[0]! > 1 / (1 + ratio ** 2));
  assertClose([journey.start.gain ** 2], [1 / (1 + ratio ** 2)], { rtol: 0.1, what: 'ᾱ of the start' });
});

test.run();
