import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TrackedClips } from '../../../src/diffwave/data/split.ts';
import { splitByTrack } from '../../../src/diffwave/data/split.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('split');

/** Three clips of every track; clip i holds the number i. */
const music = (trackCount: number): TrackedClips => ({
  trackCount,
  clipCount: 3 * trackCount,
  clipSamples: 1,
  clip: (i) => Float32Array.of(i),
  manifest: { clips: Array.from({ length: 3 * trackCount }, (_, i) => ({ track: Math.floor(i / 3), file: `${Math.floor(i / 3)}.wav` })) },
});
const usual = { seed: 0, leastClips: 1 };
const contents = (clips: { clipCount: number; clip(i: number): Float32Array } | undefined): number[] =>
  clips ? Array.from({ length: clips.clipCount }, (_, i) => clips.clip(i)[0]!) : [];

test('whole tracks are kept back, and every clip is in one of the two', () => {
  const { training, validation, tracks, files } = splitByTrack(music(20), usual);
  assert.equal([tracks, files.length, training.clipCount, validation?.clipCount], [2, 2, 54, 6]);
  const kept = contents(validation);
  assert.equal([...new Set(kept.map((i) => `${Math.floor(i / 3)}.wav`))], files);
  assert.equal([...contents(training), ...kept].sort((a, b) => a - b), Array.from({ length: 60 }, (_, i) => i));
});

test('which ones is a function of the seed', () => {
  const files = (seed: number) => splitByTrack(music(20), { ...usual, seed, tracks: 5 }).files;
  assert.equal(files(1), files(1));
  assert.not.equal(files(1), files(2));
});

test('a tenth, at least one, unless a number is given', () => {
  const tracks = (count: number, asked?: number) => splitByTrack(music(count), { ...usual, tracks: asked }).tracks;
  assert.equal([2, 4, 14, 16, 100].map((count) => tracks(count)), [1, 1, 1, 2, 10]);
  assert.equal([tracks(4, 3), tracks(4, 0)], [3, 0]);
});

test('no validation of one track, or where too little would be left, unless it is asked for', () => {
  const one = splitByTrack(music(1), usual);
  assert.equal([one.tracks, one.validation, one.training.clipCount], [0, undefined, 3]);
  assert.match(one.note!, 'one track only');
  const few = splitByTrack(music(2), { ...usual, leastClips: 4 });
  assert.equal([few.tracks, few.training.clipCount], [0, 6]);
  assert.match(few.note!, '3 clips, fewer than a batch of 4');
  assert.is(splitByTrack(music(4), { ...usual, tracks: 0 }).note, undefined);
  for (const tracks of [1, 2]) {
    assert.throws(() => splitByTrack(music(1), { ...usual, tracks }), (error: Error) =>
      error instanceof UserError && error.message.includes(`\`validationTracks\` ${tracks} leaves nothing`));
  }
});

test('copies of one recording are on one side for every seed, and without copies the split is what it was', () => {
  const plain = music(20);
  const alone = Array.from({ length: 20 }, (_, track) => track);
  const sameAs = alone.map((track) => (track >= 15 ? track - 15 : track)); // 15 … 19 are copies of 0 … 4
  const withCopies = (first: number[]): TrackedClips => ({ ...plain, manifest: { ...plain.manifest, sameAs: first } });
  for (let seed = 0; seed < 30; seed++) {
    const options = { ...usual, seed, tracks: 3 };
    assert.equal(splitByTrack(withCopies(alone), options).files, splitByTrack(plain, options).files);
    assert.equal(splitByTrack(withCopies(sameAs), { ...options, copiesTogether: false }).files, splitByTrack(plain, options).files, 'an older run');
    const { validation, training, tracks } = splitByTrack(withCopies(sameAs), options);
    const recordings = (clips: typeof validation) => new Set(contents(clips).map((i) => sameAs[Math.floor(i / 3)]!));
    const trained = recordings(training);
    assert.equal([...recordings(validation)].filter((recording) => trained.has(recording)), []);
    assert.ok(tracks === 3 || tracks === 4);
    assert.is(validation!.clipCount, 3 * tracks);
  }
  const { validation, note } = splitByTrack({ ...music(3), manifest: { ...music(3).manifest, sameAs: [0, 0, 0] } }, usual);
  assert.equal([validation, note], [undefined, 'no validation: all tracks are copies of one another']);
});

test.run();
