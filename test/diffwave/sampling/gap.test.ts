/** Filling a gap: the network sees the gap and its margins alone, and the sound is that of the whole clip, to the bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Move } from '../../../src/diffwave/sampling/moves.ts';
import type { SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { sample, samplingMemory } from '../../../src/diffwave/sampling/sampling.ts';
import { tilesFor } from '../../../src/diffwave/sampling/tiles.ts';
import type { Verb } from '../../../src/diffwave/sampling/verbs.ts';
import { continuation, inpaint } from '../../../src/diffwave/sampling/verbs.ts';
import { clip, tinyModel } from '../tiny.ts';

const test = suite('gap');

const halo = 7; // of the tiny network

/**
 * The same journey as one of the whole clip: a move to the level where it is, of factor 1 and without noise, changes nothing. But
 * nothing is imposed after it, so that all of the clip has to be kept.
 */
const ofWhole = (verb: Verb): Verb => (way) => {
  const journey = verb(way);
  const top = way.levels.at(-1)!;
  const nothing: Move = { kind: 'renoise', from: top, to: top, draw: 0 };
  return { ...journey, moves: [nothing, nothing, ...journey.moves] };
};

test('gaps at every place, loops, batches, samplers and tiles: no bit differs from the whole clip\'s', async () => {
  const model = await tinyModel();
  const cases: [L: number, from: number, to: number, options: Omit<SampleOptions, 'shape'>, B?: number][] = [
    [61, 20, 31, {}],
    [61, 20, 31, { tileSamples: 3 }],
    [61, 0, 9, { tileSamples: 4 }],
    [61, 3, 5, {}], // the margin reaches past the clip's start
    [61, 50, 61, { tileSamples: 2, sampler: 'dpm++', steps: 4 }, 2],
    [61, 0, 61, { tileSamples: 13 }],
    [64, 33, 34, { sampler: 'ddim', eta: 1, steps: 3, clamp: 1 }, 3],
    [61, 2, 5, { loop: true }], // both margins of a loop lie on both ends
    [61, 2, 20, { loop: true, tileSamples: 3 }, 2],
    [61, 55, 60, { loop: true, tileSamples: 2 }],
    [61, 55, 61, { loop: true, sampler: 'dpm++' }],
    [23, 3, 21, { loop: true, tileSamples: 1 }],
    [5, 1, 3, { loop: true }], // shorter than the margin
    [5, 1, 3, {}],
  ];
  for (const [L, from, to, options, B = 1] of cases) {
    const audio = clip(L, 4).map((value) => value / 4);
    const verb = inpaint({ audio, from, to, resamplings: 2, jump: 2 });
    const shared: Omit<SampleOptions, 'verb'> = { seed: 9, shape: [B, L], sequenceEvery: 2, ...options };
    const what = `${B} × ${L}, gap ${from}–${to}, ${JSON.stringify(options)}`;
    const whole = await sample(model, { ...shared, verb: ofWhole(verb) });
    const own = await sample(model, { ...shared, verb });
    assert.equal(own.audio, whole.audio, what);
    assert.equal(own.sequence, whole.sequence, what);
    // Without anybody who looks on the way, what is far from the gap is not imposed before the end.
    const { audio: unseen } = await sample(model, { ...shared, sequenceEvery: undefined, verb });
    assert.equal(unseen, whole.audio, what);
  }
  const audio = clip(40, 5);
  const verb = continuation({ audio, samples: 9, resamplings: 2, jump: 3 });
  assert.equal(
    (await sample(model, { shape: [1, 49], verb })).audio,
    (await sample(model, { shape: [1, 49], verb: ofWhole(verb) })).audio,
  );
  model.destroy();
});

test('the network runs over the gap and its margins, whatever the clip\'s length', async () => {
  const model = await tinyModel();
  const [L, from, to] = [5000, 2000, 2100];
  const { width, windows } = tilesFor(model, { B: 1, L, core: [from, to] });
  assert.equal([width, windows], [100 + 2 * halo, [{ start: from - halo, coreStart: from, coreEnd: to }]]);
  const audio = clip(L, 4);
  const verb = inpaint({ audio, from, to, resamplings: 2, jump: 2 });
  const tiles = async (of: Verb): Promise<number> => {
    let count = 0;
    await sample(model, { shape: [1, L], tileSamples: 50, verb: of, onTile: () => void count++ });
    return count;
  };
  assert.is(await tiles(verb), (await tiles(ofWhole(verb))) / 50);
  assert.ok(samplingMemory(model, { shape: [1, L], verb }).tile < samplingMemory(model, { shape: [1, L], verb: ofWhole(verb) }).tile / 10);
  model.destroy();
});

test.run();
