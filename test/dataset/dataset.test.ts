import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Dataset, clipStarts, prepareTrack } from '../../src/dataset/dataset.ts';
import { DEFAULT_OPTIONS, clipLength, completeOptions } from '../../src/dataset/options.ts';
import { datasetFrom, loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { resample } from '../../src/audio/resample.ts';
import { encodeWav16 } from '../../src/formats/wav.ts';
import { UserError } from '../../src/errors.ts';
import { largestDifference, noise, sine, temporaryFolder } from '../audio/helpers.ts';

const test = suite('dataset');

/** One second of a file makes two clips of 1225 samples at 2450 Hz. */
const SMALL = { sampleRate: 7350, seconds: 1, downsample: 3, splits: 2 };
const CLIP = 1225;
const SOURCE_RATE = 22050; // of the files that the helper writes

const tone = (seconds: number, hertz = 440) => sine({ hertz, sampleRate: SOURCE_RATE, samples: Math.round(seconds * SOURCE_RATE) });
/** Whether it throws or rejects. */
const refuses = async (call: () => unknown, message: RegExp): Promise<void> => {
  const error = await Promise.resolve().then(call).then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, UserError);
  assert.match((error as Error).message, message);
};

function prepared(files: Parameters<typeof temporaryFolder>[0], options = {}) {
  const source = temporaryFolder(files);
  const out = join(temporaryFolder(), 'set');
  const lines: string[] = [];
  const prepare = (more = {}) =>
    prepareDataset({ source, out, log: (line) => lines.push(line), ...SMALL, ...options, ...more });
  return { source, out, lines, prepare };
}

test('the defaults give clips of 36,750 samples at 7,350 Hz', () => {
  const options = completeOptions({});
  assert.is(clipLength(options), 36750);
  assert.is(options.sampleRate / options.downsample, 7350);
  assert.is(prepareTrack(noise(661500), 22050, options).length, 6 * 36750);
  assert.is(prepareTrack(noise(700000), 22050, options).length, 6 * 36750);
});

test('clips follow one another, and a remainder becomes one that ends with the track, or is left out', () => {
  const starts = (trackSamples: number, overlaps: boolean) => clipStarts({ trackSamples, clipSamples: 20, overlaps });
  for (const overlaps of [true, false]) {
    assert.equal(starts(60, overlaps), [0, 20, 40]);
    assert.equal(starts(20, overlaps), [0]);
    assert.equal(starts(7, overlaps), [0]);
  }
  assert.equal([starts(50, true), starts(50, false)], [[0, 20, 30], [0, 20]]);
  assert.equal([starts(21, true), starts(21, false)], [[0, 1], [0]]);
});

test('a folder becomes clips whose numbers are those of the prepared tracks', async () => {
  const a = tone(1.4, 300);
  const b = tone(0.7, 500);
  const { out, prepare, lines } = prepared({ 'b/two.WAV': b, 'a/one.wav': a, 'notes.txt': 'no music' });
  const { manifest, reused } = await prepare();
  assert.is(reused, false);
  assert.equal(lines, []);
  assert.equal(manifest.clips, [
    { file: 'a/one.wav', track: 0, offsetSeconds: 0 },
    { file: 'a/one.wav', track: 0, offsetSeconds: 0.5 },
    { file: 'b/two.WAV', track: 1, offsetSeconds: 0 },
    { file: 'b/two.WAV', track: 1, offsetSeconds: (1715 - CLIP) / 2450 },
  ]);

  const dataset = loadDataset(out);
  assert.equal(dataset.manifest, JSON.parse(JSON.stringify(manifest)));
  assert.equal([dataset.sampleRate, dataset.clipSamples, dataset.clipCount, dataset.trackCount], [2450, CLIP, 4, 2]);
  // Files are 16-bit: a quantisation step is 2^-15.
  const track = (samples: Float32Array) => prepareTrack(samples, SOURCE_RATE, SMALL);
  assert.ok(largestDifference(dataset.clip(1), track(a).subarray(CLIP)) <= 2 ** -14);
  assert.ok(largestDifference(dataset.clip(3), track(b).subarray(1715 - CLIP)) <= 2 ** -14);

  const all = [0, 1, 2, 3].flatMap((i) => [...dataset.clip(i)]);
  const rms = Math.sqrt(all.reduce((sum, value) => sum + value * value, 0) / all.length);
  assert.ok(Math.abs(manifest.statistics.rms - rms) <= 1e-9);
  assert.ok(Math.abs(manifest.statistics.mean - all.reduce((sum, value) => sum + value, 0) / all.length) <= 1e-9);
  assert.is(manifest.statistics.peak, Math.max(...all.map(Math.abs)));
});

test('clips.f32 is little-endian float32, one clip after the other', async () => {
  const { out, prepare } = prepared({ 'a.wav': tone(1) });
  await prepare();
  const bytes = readFileSync(join(out, 'clips.f32'));
  assert.is(bytes.length, 2 * CLIP * 4);
  assert.is(bytes.readFloatLE((CLIP + 7) * 4), loadDataset(out).clip(1)[7]);
});

test('files of another rate come out as those of the base rate', async () => {
  const samples = resample(tone(1), SOURCE_RATE, 44100);
  const { out, prepare } = prepared({ 'a.wav': tone(1), 'b.wav': encodeWav16(samples, 44100) });
  await prepare();
  const dataset = loadDataset(out);
  const [a, b] = [dataset.clip(0), dataset.clip(2)].map((clip) => clip.subarray(100));
  assert.ok(largestDifference(a!, b!) <= 1e-3);
});

test('unreadable and silent files are left out by name, short ones are padded with a warning', async () => {
  const { source, prepare, lines } = prepared({
    'good.wav': tone(1),
    'hush.wav': tone(1).map((value) => value / 1000),
    'mute.wav': new Float32Array(SOURCE_RATE),
    'short.wav': tone(0.2),
    'text.wav': 'this is no music at all',
  });
  if (process.platform !== 'win32') symlinkSync(join(source, 'nowhere'), join(source, 'zombie.wav'));
  const { manifest } = await prepare();
  assert.is(manifest.trackCount, 2);
  assert.equal(manifest.warnings, ['short.wav: its 0.20 s are less than a clip of 0.50 s; padded with silence']);
  assert.equal(manifest.leftOut.slice(0, 3), [
    { file: 'hush.wav', reason: 'is silent (peak -66 dBFS, needed -60 dBFS)' },
    { file: 'mute.wav', reason: 'is silent (peak -∞ dBFS, needed -60 dBFS)' },
    { file: 'text.wav', reason: 'is not a WAV file: it is text, beginning with "this is no music at all"' },
  ]);
  if (process.platform !== 'win32') assert.match(manifest.leftOut[3]!.reason, /^cannot be read: no such file or folder \(ENOENT\)$/);
  assert.ok(lines.includes('warning: short.wav: its 0.20 s are less than a clip of 0.50 s; padded with silence'));
  assert.ok(lines.includes('left out: hush.wav is silent (peak -66 dBFS, needed -60 dBFS)'));
});

test('a short file is followed by zeros', async () => {
  const { out, prepare } = prepared({ 'short.wav': tone(0.2) });
  await prepare();
  const clip = loadDataset(out).clip(0);
  assert.ok(clip.subarray(0, 490).some((value) => value !== 0));
  assert.ok(clip.subarray(490).every((value) => value === 0));
});

test('data sets of splits are, to the bit, those of versions that had nothing else', async () => {
  const { out, prepare } = prepared({
    'a.wav': noise(7 * SOURCE_RATE), 'b.wav': encodeWav16(noise(44100), 44100), 'short.wav': noise(999),
  }, DEFAULT_OPTIONS);
  const { manifest } = await prepare();
  // They are found again, in folders and in the cache, by this text.
  assert.is(JSON.stringify(manifest.options), '{"sampleRate":22050,"seconds":30,"downsample":3,"splits":6}');
  assert.is(createHash('sha256').update(readFileSync(join(out, 'clips.f32'))).digest('hex'), '7b1431f0eea9ba722cc795d1161ab806f320a7531144614b0ac8f671a3e6f37e');
  assert.equal(manifest.clips.map(({ offsetSeconds }) => offsetSeconds), [0, 2, 0, 0]);
});

test('the same sources and options are used again, anything else is prepared anew and says why', async () => {
  const { source, out, prepare, lines } = prepared({ 'a.wav': tone(1) });
  await prepare();
  const before = readFileSync(join(out, 'manifest.json'), 'utf8');
  assert.is((await prepare()).reused, true);
  assert.equal(lines, []);

  assert.is((await prepare({ splits: 4 })).reused, false);
  assert.equal(lines.splice(0), [`preparing ${out} again: splits was 2 and is now 4`]);
  assert.is(loadDataset(out).clipCount, 4);
  assert.is((await prepare({ seconds: null, splits: undefined, clipSeconds: 0.25 })).reused, false);
  assert.equal(lines.splice(0), [
    `preparing ${out} again: seconds was 1 and is now all, splits was 4 and is now not given, clipSeconds was not given and is now 0.25`,
  ]);
  assert.is((await prepare()).reused, false);
  assert.is(readFileSync(join(out, 'manifest.json'), 'utf8'), before);

  lines.length = 0;
  writeFileSync(join(source, 'b.wav'), encodeWav16(tone(1), SOURCE_RATE));
  assert.is((await prepare()).reused, false);
  assert.equal(lines.splice(0), [`preparing ${out} again: the source files have changed`]);

  truncateSync(join(out, 'clips.f32'), 100);
  assert.is((await prepare()).reused, false);
  assert.match(lines.splice(0)[0]!, /again: .*clips\.f32 has 100 bytes instead of 19600 \(4 clips of 1225 samples\)$/);

  rmSync(join(out, 'manifest.json'));
  writeFileSync(join(out, 'clips.f32.999999999.tmp'), 'of a process that was killed');
  assert.is((await prepare()).reused, false);
  assert.equal(lines.splice(0), [`preparing ${out} again: it was not finished`]);
  assert.equal(readdirSync(out).sort(), ['clips.f32', 'manifest.json']);
});

test('a run that finds nothing usable leaves an older data set as it was', async () => {
  const { source, out, prepare } = prepared({ 'a.wav': tone(1) });
  await prepare();
  writeFileSync(join(source, 'a.wav'), 'broken now');
  await refuses(
    prepare,
    /^No sound file in .* can be used: a\.wav is not a WAV file: it is text, beginning with "broken now"$/,
  );
  assert.is(loadDataset(out).clipCount, 2);
  assert.equal(readdirSync(out).sort(), ['clips.f32', 'manifest.json']);
});

test('a folder that is not ours is not written to', async () => {
  for (const name of ['thesis.doc', 'manifest.json']) {
    const out = temporaryFolder({ [name]: '{"precious": true}' });
    const source = temporaryFolder({ 'a.wav': tone(1) });
    await refuses(
      () => prepareDataset({ source, out, ...SMALL }),
      /is not empty \(it has .*\) and is not a data set; choose another/,
    );
    assert.equal(readdirSync(out), [name]);
  }
  const { source, out } = prepared({ 'a.wav': tone(1), file: 'text' });
  await refuses(
    () => prepareDataset({ source, out: join(source, 'file'), ...SMALL }),
    /file is a file, but a folder is needed/,
  );
  assert.not.ok(existsSync(out));
});

test('sources that cannot be are refused', async () => {
  const folder = temporaryFolder({ 'file.wav': tone(1), 'empty/notes.txt': 'no music here' });
  const prepare = (source: string) => () => prepareDataset({ source, out: join(folder, 'out'), ...SMALL });
  await refuses(prepare(join(folder, 'missing')), /^There is no folder .*missing$/);
  await refuses(prepare(join(folder, 'file.wav')), /file\.wav is a file, but a folder is needed/);
  await refuses(prepare(join(folder, 'empty')), /^There is no sound file \(.*\) in .*empty or the folders below it$/);
});

if (process.platform !== 'win32') {
  test('folders behind links are searched once, even in a circle', async () => {
    const { source, prepare } = prepared({ 'a/one.wav': tone(1) });
    symlinkSync(source, join(source, 'a', 'back'));
    assert.is((await prepare()).manifest.trackCount, 1);
  });
}

test('what is no data set, or a damaged one, is refused when loading', async () => {
  const { source, out, prepare } = prepared({ 'a.wav': tone(1) });
  await refuses(() => loadDataset(out), /^There is no folder/);
  await refuses(
    () => loadDataset(source),
    /is not a prepared data set \(it has no manifest\.json\); `prepareDataset\(\)` makes one of a folder of music$/,
  );
  await prepare();
  const path = join(out, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));

  truncateSync(join(out, 'clips.f32'), 5000);
  await refuses(
    () => loadDataset(out),
    /clips\.f32 has 5000 bytes instead of 9800 \(2 clips of 1225 samples\); prepare the data set again/,
  );
  rmSync(join(out, 'clips.f32'));
  await refuses(() => loadDataset(out), /clips\.f32 is missing; prepare the data set again/);

  const nothing = { clipCount: 0, trackCount: 0, clips: [], leftOut: [{ file: 'a.wav', reason: 'is silent' }] };
  writeFileSync(join(out, 'clips.f32'), '');
  writeFileSync(path, JSON.stringify({ ...manifest, ...nothing }));
  await refuses(() => loadDataset(out), /has no clips: a\.wav is silent$/);
  writeFileSync(path, JSON.stringify({ ...manifest, version: 99 }));
  await refuses(() => loadDataset(out), /has version 99, this program needs version 1; prepare/);
  writeFileSync(path, JSON.stringify({ ...manifest, clips: [] }));
  await refuses(() => loadDataset(out), /is damaged: its sizes and lists do not fit together; prepare/);
  writeFileSync(path, '{"half":');
  await refuses(() => loadDataset(out), /is not valid JSON; prepare/);
  writeFileSync(path, 'null');
  await refuses(() => loadDataset(out), /is not the manifest of a data set; prepare/);
});

test('clips that are not there, and samples that do not fit the manifest, are our own errors', async () => {
  const { out, prepare } = prepared({ 'a.wav': tone(1) });
  const { manifest } = await prepare();
  const dataset = loadDataset(out);
  for (const index of [-1, 2, 0.5, NaN]) assert.throws(() => dataset.clip(index), /there is no clip .*, only 0 to 1/);
  assert.throws(() => new Dataset(manifest, new Float32Array(7)), /2 clips of 1225 samples, but there are 7 samples/);
});

test('a folder of WAV files is prepared into the cache once, a prepared data set is loaded', async () => {
  const { source, out, prepare } = prepared({ 'a.wav': tone(1), 'manifest.json': '{"of": "something else"}' });
  const lines: string[] = [];
  const cacheBefore = process.env.XDG_CACHE_HOME;
  const cache = temporaryFolder();
  process.env.XDG_CACHE_HOME = cache;
  try {
    const first = await datasetFrom(source, SMALL, (line) => lines.push(line));
    assert.is(first.clipCount, 2);
    assert.match(lines.splice(0).join(), /^wrote a data set prepared from .*diffwave-webgpu.datasets.[0-9a-f]{16}$/);
    const second = await datasetFrom(source, SMALL, (line) => lines.push(line));
    assert.equal(second.clip(1), first.clip(1));
    assert.match(lines.splice(0).join(), /^using the data set prepared from /);
    appendFileSync(join(source, 'a.wav'), 'x');
    await datasetFrom(source, SMALL, (line) => lines.push(line));
    assert.match(lines.splice(0)[0]!, /^preparing .* again: the source files have changed$/);
    assert.is(readdirSync(join(cache, 'diffwave-webgpu', 'datasets')).length, 1);

    await prepare({ splits: 1 });
    assert.is((await datasetFrom(out, SMALL, (line) => lines.push(line))).clipCount, 1);
    await refuses(() => datasetFrom(join(source, 'nothing'), SMALL, () => {}), /^There is no folder/);
  } finally {
    if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = cacheBefore;
  }
});

test.run();
