import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { landmarks } from '../../src/audio/landmarks.ts';
import { resample } from '../../src/audio/resample.ts';
import { parseManifest } from '../../src/dataset/dataset.ts';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { examine, findingLines, findingsOf, sameAs } from '../../src/dataset/doctor.ts';
import { prepareClips } from '../../src/dataset/inMemory.ts';
import { findDuplicates } from '../../src/dataset/duplicates.ts';
import { channelHealth } from '../../src/formats/channelHealth.ts';
import { mixDown } from '../../src/formats/mixDown.ts';
import { encodeWav16 } from '../../src/formats/wav.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';

const test = suite('doctor');
const RATE = 7350;

/** A piece of its own for every seed: a note of random pitch every eighth at 120 beats a minute, decaying, on a quiet floor of noise. */
function piece(seed: number, { seconds = 12, sampleRate = RATE, drum = 0 } = {}): Float32Array {
  const draws = noise(400, seed);
  const floor = noise(Math.round(seconds * sampleRate), seed + 1000);
  const hit = noise(sampleRate, 7); // the same drum in every piece
  const step = sampleRate / 4;
  return floor.map((hiss, n) => {
    const note = Math.floor(n / step);
    const since = n - note * step;
    const tone = (which: number): number => Math.sin((2 * Math.PI * 200 * 2 ** (1.5 * (1 + draws[2 * note + which]!)) * since) / sampleRate);
    return Math.exp(-since / (0.1 * sampleRate)) * (0.2 * (tone(0) + tone(1)) + drum * hit[Math.floor(since)]!) + 0.003 * hiss;
  });
}

const fingerprints = (tracks: readonly Float32Array[]) => tracks.map((track, i) => ({ ...landmarks(track, RATE), digest: String(i) }));
const duplicatesOf = (...tracks: Float32Array[]) => findDuplicates(fingerprints(tracks), { read: (track) => tracks[track]!, sampleRate: RATE });
const mono = { clippedShare: 0, correlation: 1, mixLossDb: 0 };
const examined = (samples: Float32Array, file = 'a.wav') => examine(samples, { file, sampleRate: RATE, channels: mono, silence: 0.001 });
const kinds = (samples: Float32Array) => findingsOf([examined(samples)], []).map(({ kind }) => kind);

/** The health of channels of a sound, as decoding sees it. */
function channelsOf(...channels: Float32Array[]) {
  const frames = new Float32Array(channels.length * channels[0]!.length).map((_, i) => channels[i % channels.length]![Math.floor(i / channels.length)]!);
  return mixDown(frames, { channels: channels.length, sampleRate: RATE, name: 'a.wav', isFloat: true, warnings: [] }).health;
}

test('a copy that begins 0.37 s later and is 6 dB louder is found, with its offset and gain', () => {
  const original = piece(1);
  const [found, ...others] = duplicatesOf(original, piece(2), original.slice(Math.round(0.37 * RATE)).map((value) => 2 * value));
  assert.equal([others.length, found?.track, found?.of], [0, 2, 0]);
  assert.ok(Math.abs(found!.offsetSeconds - 0.37) < 1 / RATE, `${found!.offsetSeconds}`);
  assert.ok(Math.abs(found!.gainDb - 20 * Math.log10(2)) < 1e-3, `${found!.gainDb}`);
  assert.ok(found!.correlation > 0.999);
});

test('the middle of a piece, turned upside down, is found in it; so is the piece that it was cut from', () => {
  const original = piece(3);
  const middle = original.slice(3 * RATE, 9 * RATE).map((value) => -value);
  assert.ok(Math.abs(duplicatesOf(original, middle)[0]!.offsetSeconds - 3) < 1 / RATE);
  assert.ok(Math.abs(duplicatesOf(middle, original)[0]!.offsetSeconds + 3) < 1 / RATE);
});

test('a copy through a low-pass and noise, and one that was at another rate, are found', () => {
  const original = piece(4);
  const hiss = noise(original.length, 99);
  const coded = resample(resample(original, RATE, 3000), 3000, RATE).map((value, i) => value + 0.01 * hiss[i]!);
  const resampled = resample(resample(original, RATE, 5512), 5512, RATE);
  assert.equal(duplicatesOf(original, coded, resampled).map(({ track, of }) => [track, of]), [[1, 0], [2, 0]]);
});

test('pieces of one tempo that share a drum are no pair, nor is one that repeats itself', () => {
  const loop = piece(5, { seconds: 2 });
  const repeating = Float32Array.from({ length: 6 * loop.length }, (_, i) => loop[i % loop.length]!);
  assert.equal(duplicatesOf(piece(6, { drum: 0.2 }), piece(7, { drum: 0.2 }), piece(8, { drum: 0.2 }), repeating), []);
});

test('tracks of one digest are the same however short; nothing, one sample and silence have no landmarks', () => {
  const short = [new Float32Array(0), Float32Array.of(1), new Float32Array(5 * RATE), piece(9, { seconds: 1 })];
  assert.equal(short.slice(0, 3).map((samples) => landmarks(samples, RATE).keys.length), [0, 0, 0]);
  assert.equal(duplicatesOf(...short, ...short), []);
  const equal = [...fingerprints(short), ...fingerprints(short)];
  const found = findDuplicates(equal, { read: () => new Float32Array(0), sampleRate: RATE });
  assert.equal(found.map(({ track, of }) => [track, of]), [[4, 0], [5, 1], [6, 2], [7, 3]]);
  for (const samples of short.slice(0, 3)) {
    const { mean, rmsDb, bandwidth, silentShare } = examined(samples);
    assert.ok([mean, rmsDb, bandwidth, silentShare].every(Number.isFinite));
  }
});

test('among four hundred tracks few pairs are compared sample by sample, and every copy is among them', () => {
  const count = 400;
  const draws = noise(count * 700 * 3, 21).map((value) => Math.abs(value) % 1);
  let at = 0;
  const below = (limit: number): number => Math.floor(draws[at++]! * limit);
  const made = Array.from({ length: count }, (_, i) => ({
    hop: 256, power: new Float64Array(0), digest: String(i),
    keys: Uint32Array.from({ length: 700 }, () => ((11 + below(60)) * 256 + 11 + below(60)) * 32 + 1 + below(31)), // half the band, as music has it
    frames: Uint32Array.from({ length: 700 }, (_, k) => k),
  }));
  const copies = [100, 200, 300].map((track) => [track, track - 7] as const);
  const set = made.map((own, i) => ({ ...own, keys: made[copies.find(([track]) => track === i)?.[1] ?? i]!.keys }));
  const pairs: number[] = [];
  findDuplicates(set, { read: (track) => (pairs.push(track), new Float32Array(0)), sampleRate: RATE });
  for (const [track, of] of copies) assert.ok(pairs.some((read, i) => i % 2 === 0 && read === of && pairs[i + 1] === track), `${track}`);
  assert.ok(pairs.length / 2 < count / 10, `${pairs.length / 2} pairs of ${(count * (count - 1)) / 2}`);
});

test('clipping is the share of samples where a sine exceeds the level; a slow sine of 16 bits has none', () => {
  const samples = 100 * RATE;
  const clip = (level: number) => sine({ hertz: 97.3, sampleRate: RATE, samples, amplitude: 1 }).map((value) => Math.max(-level, Math.min(level, value)));
  // |sin| is above c for a share of 1 − (2/π)·asin(c) of the time.
  const share = channelsOf(clip(0.8)).clippedShare;
  assert.ok(Math.abs(share - (1 - (2 / Math.PI) * Math.asin(0.8))) < 0.002, `${share}`);
  const slow = sine({ hertz: 3, sampleRate: RATE, samples }).map((value) => Math.round(value * 32768) / 32768);
  assert.is(channelsOf(slow).clippedShare, 0);
  assert.is(channelsOf(new Float32Array(100)).clippedShare, 0);
});

test('correlation of channels and the loss by mixing: closed forms', () => {
  const [left, right] = [noise(200_000, 1), noise(200_000, 2)];
  const near = (actual: number, expected: number, within: number) => assert.ok(Math.abs(actual - expected) < within, `${actual}, not ${expected}`);
  assert.equal(channelsOf(left), mono);
  near(channelsOf(left, left).mixLossDb, 0, 1e-6);
  near(channelsOf(left, right).correlation, 0, 0.01);
  near(channelsOf(left, right).mixLossDb, 10 * Math.log10(2), 0.05);
  const turned = channelsOf(left, left.map((value) => -0.5 * value));
  near(turned.mixLossDb, -10 * Math.log10(0.25 / (2 * 1.25)), 1e-6); // (1 − 0.5)² of 2·(1 + 0.5²)
  near(turned.correlation, -0.8, 1e-6); // 2·(−0.5) of 1 + 0.5²
  near(channelsOf(left, left.map((value) => -value)).correlation, -1, 1e-6);
  const empty = channelHealth(new Float32Array(0), { channels: 2, scale: 1, powers: new Float64Array(2), mixPower: 0 });
  assert.equal(empty, mono);
});

test('an offset and silence are found, each alone', () => {
  const clean = piece(10);
  assert.equal(kinds(clean), []);
  assert.equal(kinds(clean.map((value) => value + 0.1)), ['DC offset']);
  assert.equal(kinds(clean.map((value, i) => (i < clean.length / 2 ? 0 : value))), ['silence']);
});

test('the odd ones out by level and by bandwidth are found among others', () => {
  const set = Array.from({ length: 8 }, (_, i) => noise(4 * RATE, i + 1).map((value) => 0.1 * value));
  const narrow = resample(resample(set[0]!, RATE, 2000), 2000, RATE).map((value) => 2 * value);
  const quiet = set[1]!.map((value) => 0.1 * value);
  const findings = findingsOf([...set, narrow, quiet].map((samples, i) => examined(samples, `${i}.wav`)), []);
  assert.equal(findings.map(({ kind, file }) => `${kind} ${file}`), ['level 9.wav', 'bandwidth 8.wav']);
  const { bandwidth } = examined(narrow);
  assert.ok(bandwidth > 900 && bandwidth < 1100, `${bandwidth} Hz, of a signal that was at 2000 Hz`);
});

test('a line for each kind, a clean set in one line, all names in detail, and escaped', () => {
  assert.is(findingLines([]).length, 1);
  assert.match(findingLines([])[0]!, /no duplicates/);
  assert.match(findingLines(undefined)[0]!, /not examined/);
  const findings = Array.from({ length: 5 }, (_, i) => ({ kind: 'clipping' as const, file: `${i}\n.wav`, detail: '1.0 % of the samples' }));
  assert.equal(findingLines(findings).length, 1);
  assert.match(findingLines(findings)[0]!, /^clipping: 5 tracks, used as it is: 0 \.wav .* … and 2 more$/);
  assert.is(findingLines(findings, { details: true }).length, 6);
});

test('a prepared set has its findings and copies in the manifest, and loses none of its clips', async () => {
  const original = piece(11, { sampleRate: 22050 });
  const source = temporaryFolder({ 'a.wav': original, 'b.wav': piece(12, { sampleRate: 22050 }), 'c.wav': original.slice(11025), 'jazz.00054.wav': 'RIFF' });
  const out = join(temporaryFolder(), 'set');
  const { manifest } = await prepareDataset({ source, out, seconds: 12, splits: 3 });
  assert.equal(manifest.sameAs, [0, 1, 0]);
  assert.equal(manifest.findings!.map(({ kind, file }) => [kind, file]), [['duplicate', 'c.wav']]);
  assert.equal([manifest.trackCount, manifest.clipCount], [3, 9]);
  assert.match(manifest.leftOut[0]!.reason, /GTZAN's file of this name is known to be damaged/);
  assert.equal(loadDataset(out).manifest, manifest);
  const { sameAs: _, findings: __, ...old } = manifest;
  assert.equal(parseManifest(JSON.stringify(old), 'manifest.json'), old);
  for (const broken of [{ sameAs: [0] }, { sameAs: [0, 2, 0] }, { findings: [{}] }]) {
    assert.throws(() => parseManifest(JSON.stringify({ ...manifest, ...broken }), 'manifest.json'), /damaged/);
  }
});

test('--duplicates drop leaves out all but the first of each set of copies: the rest is what a folder without them gives', async () => {
  const [first, other] = [piece(11, { sampleRate: 22050 }), piece(12, { sampleRate: 22050 })];
  const copies = { 'b.wav': first.slice(11025), 'd.wav': first };
  const own = { 'a.wav': first, 'c.wav': other };
  const [source, out, options] = [temporaryFolder({ ...own, ...copies }), join(temporaryFolder(), 'set'), { seconds: 12, splits: 3 }];
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const kept = (await prepareDataset({ source, out, ...options, duplicates: 'keep' })).manifest;
  assert.not.ok('duplicates' in kept.options, 'what earlier versions made is what is wanted');
  assert.is((await prepareDataset({ source, out, ...options })).reused, true);
  const { manifest, reused } = await prepareDataset({ source, out, ...options, duplicates: 'drop', log });
  assert.is(reused, false);
  assert.ok(lines.some((line) => line.includes('duplicates was keep and is now drop')), lines.join('\n'));
  assert.match(lines.join('\n'), /left out: b\.wav repeats a\.wav \(from 0\.50 s.*\nleft out: d\.wav repeats a\.wav \(the same samples\)/);
  assert.equal(manifest.leftOut.map(({ file }) => file), ['b.wav', 'd.wav']);
  assert.equal(manifest.findings!.map(({ file, leftOut }) => [file, leftOut]), [['b.wav', true], ['d.wav', true]]);
  assert.match(findingLines(manifest.findings)[0]!, /^duplicate: 2 tracks, left out, each but the first of its copies: b\.wav repeats a\.wav/);
  const without = join(temporaryFolder(), 'set');
  const { manifest: expected } = await prepareDataset({ source: temporaryFolder(own), out: without, ...options });
  for (const key of ['clipCount', 'trackCount', 'clips', 'statistics', 'sameAs'] as const) assert.equal(manifest[key], expected[key], key);
  const [set, wanted] = [loadDataset(out), loadDataset(without)];
  for (let clip = 0; clip < wanted.clipCount; clip++) assert.equal(set.clip(clip), wanted.clip(clip), `clip ${clip}`);
  assert.is((await prepareDataset({ source, out, ...options, duplicates: 'drop' })).reused, true);
  const bytes = async () => encodeWav16(first, 22050);
  const inMemory = await prepareClips([{ name: 'a', bytes }, { name: 'b', bytes }, { name: 'c', bytes: async () => encodeWav16(other, 22050) }], { source: 'some', ...options, duplicates: 'drop' });
  assert.equal([inMemory.trackCount, inMemory.clipCount, inMemory.manifest.leftOut.length], [2, 6, 1]);
});

test('a clean set has no findings and no word of copies', async () => {
  const source = temporaryFolder({ 'a.wav': piece(13, { sampleRate: 22050 }), 'b.wav': encodeWav16(piece(14, { sampleRate: 22050 }), 22050) });
  const { manifest } = await prepareDataset({ source, out: join(temporaryFolder(), 'set'), seconds: 12, splits: 3 });
  assert.equal(manifest.findings, []);
  assert.not.ok('sameAs' in manifest);
  assert.is(sameAs(2, []), undefined);
});

test.run();
