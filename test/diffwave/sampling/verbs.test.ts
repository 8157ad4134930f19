/** What can be done with a sound: the moves, and what they promise about it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unshaped } from '../../../src/audio/shaping.ts';
import type { Move } from '../../../src/diffwave/sampling/moves.ts';
import { fillGap, forthAndBack, levelsUpTo, walkBack } from '../../../src/diffwave/sampling/moves.ts';
import type { SampleOptions } from '../../../src/diffwave/sampling/sampling.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import { levelsOf } from '../../../src/diffwave/sampling/samplers/levels.ts';
import { noiseSchedule } from '../../../src/diffwave/schedule/schedule.ts';
import type { Verb } from '../../../src/diffwave/sampling/verbs.ts';
import { between, continuation, denoise, inpaint, variation } from '../../../src/diffwave/sampling/verbs.ts';
import { UserError } from '../../../src/errors.ts';
import { streams } from '../../../src/diffwave/streams.ts';
import { normals } from '../../../src/reference/random.ts';
import { assertClose } from '../../close.ts';
import { clip, tinyConfig, tinyModel } from '../tiny.ts';

const test = suite('verbs');

const T = tinyConfig.diffusionSteps;
const schedule = noiseSchedule({ ...tinyConfig, steps: T });
const way = { schedule, levels: levelsOf(schedule), shaping: unshaped };
const L = 61;
const audio = clip(L, 3).map((value) => value / 4);

async function make(verb: Verb, options: Omit<SampleOptions, 'shape'> & { B?: number; L?: number } = {}) {
  const model = await tinyModel();
  try {
    return await sample(model, { seed: 6, ...options, shape: [options.B ?? 1, options.L ?? L], verb });
  } finally {
    model.destroy();
  }
}

/** `4>3`, `3<4`, `=2`: denoise, renoise, impose, by t; −1 is the sound. */
const shown = (moves: readonly Move[]): string => moves.map((move) => {
  if (move.kind === 'impose') return `=${move.at.t}`;
  return move.kind === 'denoise' ? `${move.from.t}>${move.to.t}` : `${move.from.t}<${move.to.t}`;
}).join(' ');

test('a walk back; there and back; up to a level', () => {
  assert.is(shown(walkBack(way.levels)), '4>3 3>2 2>1 1>0 0>-1');
  assert.is(shown(forthAndBack(way.levels.slice(0, 3))), '-1<2 2>1 1>0 0>-1');
  const between = { t: 1.5, alphaBar: 0.7 };
  assert.equal(levelsUpTo(way.levels, between).map(({ t }) => t), [0, 1, 1.5]);
  assert.equal(levelsUpTo(way.levels, way.levels[2]!).map(({ t }) => t), [0, 1, 2]);
});

test('filling a gap walks as RePaint\'s algorithm 1 does', () => {
  const moves = (resamplings: number, jump: number): string => shown(fillGap(way.levels.slice(0, 3), { resamplings, jump }));
  assert.is(moves(1, 1), '=2 2>1 =1 1>0 =0 0>-1 =-1');
  assert.is(moves(2, 1), '=2 2>1 =1 1<2 =2 2>1 =1 1>0 =0 0<1 =1 1>0 =0 0>-1 =-1');
  assert.is(moves(2, 2), '=2 2>1 =1 1>0 =0 0<2 =2 2>1 =1 1>0 =0 0>-1 =-1');
  assert.is(moves(3, 5), '=2 2>1 =1 1>0 =0 0>-1 =-1', 'the stretch that ends at the sound is walked once');
});

test('no two moves of a kind draw the same noise', () => {
  for (const [resamplings, jump] of [[1, 1], [4, 1], [3, 2]] as const) {
    for (const kind of ['denoise', 'renoise', 'impose'] as const) {
      const draws = fillGap(way.levels, { resamplings, jump }).filter((move) => move.kind === kind).map(({ draw }) => draw);
      assert.is(new Set(draws).size, draws.length, kind);
    }
  }
});

test('a variation begins with the sound at its level, and is nearer to it the weaker it is', async () => {
  const distance = (made: Float32Array): number => Math.hypot(...made.map((value, i) => value - audio[i]!));
  const distances: number[] = [];
  for (const strength of [0.2, 0.6, 1]) {
    const { audio: [made], sequence } = await make(variation({ audio, strength }), { sequenceEvery: 1 });
    const t = strength * T - 1;
    assert.is(sequence![0]!.left, t + 1);
    const z = normals({ seed: 6, stream: streams.renoise, step: 0, item: 0, length: L });
    const want = Float64Array.from(audio, (value, i) => schedule.sqrtAlphaBar[t]! * value + schedule.sqrtOneMinusAlphaBar[t]! * z[i]!);
    assertClose(sequence![0]!.clips[0]!, want, { atol: 1e-5, what: `x at strength ${strength}` });
    distances.push(distance(made!));
  }
  assert.ok(distances[0]! < distances[1]! && distances[1]! < distances[2]!, `${distances}`);
});

test('many variations of a sound differ, and each is the same alone', async () => {
  const verb = variation({ audio, strength: 0.6 });
  const { audio: many } = await make(verb, { B: 3 });
  assert.not.equal(many[0], many[1]);
  assert.equal((await make(verb, { firstItem: 2 })).audio[0], many[2]);
});

test('between two sounds: the ends are variations of each, the middle one of their mean', async () => {
  const other = clip(L, 5).map((value) => value / 3);
  const mixed = (mix: number) => make(between({ audio: [audio, other], mix, strength: 0.4 }));
  const varied = (sound: Float32Array) => make(variation({ audio: sound, strength: 0.4 }));
  assert.equal((await mixed(0)).audio, (await varied(audio)).audio);
  assert.equal((await mixed(1)).audio, (await varied(other)).audio);
  const mean = audio.map((value, i) => 0.5 * value + 0.5 * other[i]!);
  assert.equal((await mixed(0.5)).audio, (await varied(mean)).audio);
});

test('known samples come out as they went in, to the bit; the gap is made, and made anew with another seed', async () => {
  const [from, to] = [17, 40];
  for (const options of [{ resamplings: 1 }, { resamplings: 3, jump: 2 }]) {
    const { audio: [made] } = await make(inpaint({ audio, from, to, ...options }));
    assert.equal(made!.slice(0, from), audio.slice(0, from));
    assert.equal(made!.slice(to), audio.slice(to));
    assert.ok(made!.slice(from, to).every((value, i) => value !== audio[from + i]));
    const { audio: [other] } = await make(inpaint({ audio, from, to, ...options }), { seed: 7 });
    assert.not.equal(other!.slice(from, to), made!.slice(from, to));
  }
});

test('what was in the gap has no influence, what lies around it has', async () => {
  const [from, to] = [17, 40];
  const gap = async (sound: Float32Array): Promise<Float32Array> =>
    (await make(inpaint({ audio: sound, from, to }))).audio[0]!.slice(from, to);
  const changed = (place: number): Float32Array => audio.map((value, i) => (i === place ? value + 1 : value));
  const own = await gap(audio);
  assert.equal(await gap(changed(20)), own);
  assert.not.equal(await gap(changed(16)), own);
});

test('a continuation begins with the sound and goes on', async () => {
  const { audio: [made] } = await make(continuation({ audio, samples: 20, resamplings: 2 }), { L: L + 20 });
  assert.equal(made!.slice(0, L), audio);
  assert.ok(made!.slice(L).every((value) => value !== 0));
});

test('removing noise is deterministic and begins with the sound at the level of its noise', async () => {
  const noisy = clip(4096, 1); // of deviation 1
  const journey = denoise({ audio: noisy })(way);
  if (journey.start === 'noise') throw new Error('it begins with the sound');
  const { gain } = journey.start; // √ᾱ where (1−ᾱ)/ᾱ = 1
  assertClose([gain ** 2], [0.5], { rtol: 0.1, what: 'ᾱ of the start' });
  const sampler = 'ddim' as const;
  const [first, again] = [await make(denoise({ audio, strength: 0.6 }), { sampler, seed: 1 }), await make(denoise({ audio, strength: 0.6 }), { sampler, seed: 2 })];
  assert.equal(first.audio, again.audio, 'the seed has no part in it');
});

test('what cannot be done is refused', async () => {
  const refused = async (verb: () => Verb, pattern: RegExp, options: Omit<SampleOptions, 'shape'> = {}): Promise<void> => {
    const error = await Promise.resolve().then(() => make(verb(), options)).then(() => undefined, (reason: Error) => reason);
    assert.instance(error, UserError);
    assert.match(error!.message, pattern);
  };
  for (const strength of [0, 1.1, NaN]) await refused(() => variation({ audio, strength }), /strength must be above 0 and at most 1/);
  await refused(() => between({ audio: [audio, audio], mix: 2, strength: 1 }), /mix must be from 0/);
  await refused(() => between({ audio: [audio, audio.slice(1)], mix: 0, strength: 1 }), /61 and 60 samples cannot be mixed/);
  await refused(() => inpaint({ audio, from: 5, to: 5 }), /gap from sample 5 to 5/);
  await refused(() => inpaint({ audio, from: 5, to: L + 1 }), /does not lie within a sound of 61/);
  await refused(() => inpaint({ audio, from: 5, to: 9, resamplings: 0 }), /resamplings must be a whole number from 1/);
  await refused(() => inpaint({ audio, from: 5, to: 9, resamplings: 2 ** 40 }), /1099511627776 `resamplings` of 5 steps are more than 1,000,000 predictions/);
  await refused(() => continuation({ audio, samples: 2 ** 40 }), /a sound can have 4294967296 samples at most/);
  await refused(() => continuation({ audio, samples: 0 }), /continued by 1 sample or more/);
  await refused(() => denoise({ audio, strength: 0.5 }), /needs a sampler that draws none: ddim with eta 0, or dpm\+\+, not ddpm/);
  await refused(() => denoise({ audio: new Float32Array(L) }), /there is no noise to remove/, { sampler: 'ddim' });
  await refused(() => variation({ audio: audio.slice(1), strength: 1 }), /the sound has 60 samples, but 61 are to be made/);
});

test.run();
