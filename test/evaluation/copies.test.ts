/** Whether copies are found: against a correlation computed term by term, and in something like music. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClipSource } from '../../src/diffwave/data/clips.ts';
import { CopySearch } from '../../src/evaluation/copies.ts';
import { sampleRate, tuneOf, tunes, white } from './music.ts';

const test = suite('evaluation/copies');

const L = 2 * sampleRate;
const training = tunes(0, 12, L);
const search = new CopySearch(training, sampleRate);
const strangers = Array.from({ length: 6 }, (_, i) => tuneOf(300 + i, L));
const copies = (change: (piece: Float32Array, i: number) => Float32Array): number[] =>
  [...search.of([1, 4, 7, 10].map((clip, i) => change(training.clip(clip).slice(1237, 1237 + 1.5 * sampleRate), i))).matches];

test('an exact copy is 1, whatever its level and whichever way up, anywhere in a clip', () => {
  for (const change of [(x: Float32Array) => x, (x: Float32Array) => x.map((value) => -0.01 * value)]) {
    for (const match of copies(change)) assert.ok(match > 0.99 && match <= 1 + 1e-6, String(match));
  }
});

test('other tunes are less alike, noise hardly, and a copy is still found in noise', () => {
  const others = search.of(strangers).matches;
  assert.ok(others.at(-1)! < 0.8, others.join(', '));
  const noise = search.of([0, 1, 2].map((i) => white(i, L))).matches;
  assert.ok(noise.at(-1)! < 0.2, noise.join(', '));
  const noisy = [-40, -20, -10].map((db) => copies((x, i) => {
    const hiss = white(10 + i, x.length);
    return x.map((value, n) => value + 0.1 * 10 ** (db / 20) * hiss[n]!);
  }));
  noisy.slice(1).forEach((matches, k) => matches.forEach((match, i) => assert.ok(match < noisy[k]![i]!, noisy.join(' | '))));
  assert.ok(noisy[1]![0]! > others.at(-1)!, `${noisy.join(' | ')}, others ${others.join(', ')}`);
});

test('where samples are left out, a copy that begins between two is found nevertheless', () => {
  // 8000 Hz are searched at 4000; a stretch from an odd sample on lies between.
  const rate = 8000;
  const clips: ClipSource = { clipCount: 3, clipSamples: 16000, clip: (i) => white(40 + i, 16000) };
  const [match] = new CopySearch(clips, rate).of([clips.clip(1).slice(3001, 3001 + 9000)]).matches;
  assert.ok(match! > 0.85 && match! < 0.999, String(match));
});

test('silence is like nothing', () => {
  assert.equal([...search.of([new Float32Array(L)]).matches], [0, 0]);
  const silent: ClipSource = { clipCount: 2, clipSamples: L, clip: () => new Float32Array(L) };
  const { matches } = new CopySearch(silent, sampleRate).of([strangers[0]!]);
  assert.equal([...matches], [0, 0]);
});

test('of few sounds several pieces are looked for, of many one each', () => {
  assert.is(search.of([strangers[0]!]).matches.length, 2);
  assert.is(search.of(strangers).matches.length, 12);
  assert.is(search.of(Array.from({ length: 50 }, () => strangers[0]!.slice(0, 4000))).matches.length, 24);
});

test('how much was searched', () => {
  assert.equal(search.seconds, { searched: 24, all: 24 });
  const huge: ClipSource = { clipCount: 40000, clipSamples: L, clip: (i) => training.clip(i % 12) };
  assert.equal(new CopySearch(huge, sampleRate).seconds, { searched: 3600, all: 80000 });
});

test.run();
