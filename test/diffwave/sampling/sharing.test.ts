/** One clip of several ranks, within one process: to the bit what one rank makes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isShared, sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { stretchOf } from '../../../src/diffwave/sampling/sharing.ts';
import { continuation, variation } from '../../../src/diffwave/sampling/verbs.ts';
import { ranksTogether } from '../../ranks.ts';
import { clip, tinyModel } from '../tiny.ts';

const test = suite('shared clip');

const L = 131; // no number of ranks divides it, and the margin of 7 fits into every stretch
const model = await tinyModel();

for (const [name, options] of [
  ['ancestral', {}],
  ['two clips in small tiles', { shape: [2, L], tileSamples: 9, firstItem: 3 }],
  ['dpm++', { sampler: 'dpm++', steps: 3 }],
  ['a variation, which is renoised first', { verb: variation({ audio: clip(L), strength: 0.6 }) }],
  ['with x_t on the way', { sequenceEvery: 2 }],
] as const satisfies readonly (readonly [string, Partial<SampleOptions>])[]) {
  test(`${name}: 2, 3 and 5 ranks`, async () => {
    const all: SampleOptions = { shape: [1, L], seed: 4, ...options };
    const alone = await sample(model, all);
    assert.ok(alone.audio.every((audio) => audio.some((value) => Math.abs(value) > 0.01)));
    for (const size of [2, 3, 5]) {
      const made = await Promise.all(ranksTogether(size).map(async (ranks) => {
        assert.ok(isShared(model, { ...all, ranks }));
        return sample(model, { ...all, ranks });
      }));
      for (const { audio, sequence } of made) {
        assert.equal(audio, alone.audio, `${size} ranks`);
        assert.equal(sequence, alone.sequence);
      }
    }
  });
}

test('what goes beyond a stretch is made by every rank', async () => {
  const [ranks] = ranksTogether(2);
  const all: SampleOptions = { shape: [1, L], seed: 4, ranks };
  assert.ok(isShared(model, all));
  for (const options of [
    { ...all, loop: true }, { ...all, shape: [1, 13] as const }, { ...all, ranks: undefined },
    { ...all, verb: continuation({ audio: clip(50), samples: L - 50 }) },
  ]) assert.not.ok(isShared(model, options), JSON.stringify(options.shape));
});

test('stretches touch and are everything', () => {
  for (const size of [1, 2, 3, 7]) {
    const stretches = Array.from({ length: size }, (_, rank) => stretchOf(100, { rank, size }));
    assert.is(stretches[0]![0], 0);
    assert.is(stretches.at(-1)![1], 100);
    stretches.slice(1).forEach(([from], i) => assert.is(from, stretches[i]![1]));
    assert.ok(stretches.every(([from, to]) => Math.abs(to - from - 100 / size) < 1));
  }
});

test.run();
