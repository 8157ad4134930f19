/** Labels out of folders and tables, and clips that know their class. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { subset } from '../../../src/diffwave/data/clips.ts';
import { classesOf, labelTable, labelled, labelsOfFolders, labelsOfTable } from '../../../src/diffwave/data/labels.ts';
import { splitByTrack } from '../../../src/diffwave/data/split.ts';
import { UserError } from '../../../src/errors.ts';

const test = suite('labels');

const isUserError = (pattern: RegExp) => (error: Error) => error instanceof UserError && pattern.test(error.message);

test('the first folder is the label', () => {
  const labels = labelsOfFolders(['rock/a.wav', 'jazz/late/b.wav', 'rock/c.wav']);
  assert.equal([...labels.values()], ['rock', 'jazz', 'rock']);
  assert.equal(classesOf(labels), ['jazz', 'rock']);
  assert.throws(() => labelsOfFolders(['rock/a.wav', 'b\n.wav']), isUserError(/^b.+\.wav lies in no folder/));
});

test('a table, with heading, quotes, spaces, and paths of Windows', () => {
  const text = '\uFEFFPath,Label\r\na/1.wav,jazz\r\n\r\n"b, 2.wav" , "free ""jazz"""\r\n.\\c\\3.wav,rock\r\n';
  assert.equal([...labelsOfTable(text, 't')], [['a/1.wav', 'jazz'], ['b, 2.wav', 'free "jazz"'], ['c/3.wav', 'rock']]);
  const odd = new Map([['a,"b".wav', 'x'], ['c.wav', 'y z']]);
  assert.equal(labelsOfTable(labelTable(odd), 't'), odd);
});

test('lines that are none are named', () => {
  for (const [text, pattern] of [
    ['a.wav,jazz\nb.wav', /^t: line 2 must be path,label and is "b\.wav"$/],
    ['a.wav,jazz,rock', /^t: line 1 must be/],
    ['"a.wav,jazz', /^t: line 1 must be/],
    ['a.wav,jazz\na.wav,rock', /^t: line 2 says rock of a\.wav, which was jazz before$/],
  ] as const) assert.throws(() => labelsOfTable(text, 't'), isUserError(pattern));
});

const clips = {
  clipCount: 4, clipSamples: 1, trackCount: 3, clip: () => new Float32Array(1),
  manifest: { clips: [{ track: 0, file: 'a/1.wav' }, { track: 0, file: 'a/1.wav' }, { track: 1, file: 'b/2.wav' }, { track: 2, file: 'a/3.wav' }] },
};
const labels = labelsOfFolders(['a/1.wav', 'b/2.wav', 'a/3.wav']);

test('clips know their class, parts of them too, and after a split', () => {
  const all = labelled(clips, labels, ['a', 'b']);
  assert.equal([0, 1, 2, 3].map(all.label), [0, 0, 1, 0]);
  assert.equal([0, 1].map(subset(all, [2, 3]).label!), [1, 0]);
  const { training, validation } = splitByTrack(all, { tracks: 1, seed: 0, leastClips: 1 });
  const of = ({ clipCount, label }: typeof training) => Array.from({ length: clipCount }, (_, i) => label!(i));
  assert.equal([...of(training), ...of(validation!)].sort(), [0, 0, 0, 1]);
  assert.is(subset(clips, [0]).label, undefined);
});

test('a track without a label, or with one that the network does not know, is named', () => {
  assert.throws(() => labelled(clips, new Map([...labels].slice(1)), ['a', 'b']), isUserError(/^a\/1\.wav has no label/));
  assert.throws(() => labelled(clips, labels, ['a', 'c']), isUserError(/^b\/2\.wav is labelled b, which the network does not know: it has a, c$/));
});

test.run();
