import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from '../../scripts/lib/cli/flags.ts';
import { rowsOf, tableText } from '../../scripts/lib/evaluate/rows.ts';
import { setsFrom } from '../../scripts/lib/evaluate/sets.ts';
import { makingFlags, makingOf } from '../../scripts/lib/evaluate/sounds.ts';
import { inWords } from '../../scripts/lib/evaluate/verdict.ts';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { splitByTrack } from '../../src/diffwave/data/split.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { UserError } from '../../src/errors.ts';
import type { Copies, Measurement } from '../../src/evaluation/measurement.ts';
import { decodeWav, encodeWav16 } from '../../src/formats/wav.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { classic } from '../diffwave/classic.ts';
import { tuneOf } from '../evaluation/music.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('npm run evaluate');

/** Twelve tunes of a second, two clips of 3675 samples at 7350 Hz each. */
const music = temporaryFolder(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`tune${i}.wav`, tuneOf(i, 22050)])));
const data = join(temporaryFolder(), 'set');
await prepareDataset({ source: music, out: data, seconds: 1, splits: 2 });

const SMALL = ['--preset', 'tiny', '--layers', '2', '--channels', '8', '--batch-size', '2', '--crop-samples', '256', '--diffusion-steps', '3', '--steps', '2'];

const trained = (() => {
  const run = join(temporaryFolder(), 'run');
  const done = succeeds('train', ['--data', data, '--out', run, ...SMALL, '--validation-tracks', '3', '--seed', '5']);
  return async () => {
    await done;
    return run;
  };
})();

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

test('a run: the tracks that it kept back, the same samples as sample makes, a table, a verdict, JSON, a report', async () => {
  const run = await trained();
  const out = join(temporaryFolder(), 'sounds');
  const stdout = await succeeds('evaluate', ['--run', run, '--count', '4', '--seed', '2', '--out', out]);
  const { files } = splitByTrack(loadDataset(data), { tracks: 3, seed: 5, leastClips: 2 });
  assert.match(stdout, `held out  6 clips of 3 files, ${files.join(', ')}; trained on 18 clips`);
  assert.match(stdout, /^measuring 4 samples of 0\.50 s$/m);
  assert.match(stdout, /^ +samples +95 % +other music +only a spectrum +white noise$/m);
  for (const name of ['Fréchet distance', 'modulation, 2–20 Hz', 'mean log spectrum', 'level', 'variety', 'best match in training']) {
    assert.match(stdout, new RegExp(`^${name} +-?\\d`, 'm'));
  }
  assert.match(stdout, /^(good: .*; )?not: .*; try: train longer before anything else \(npm run train -- … --resume --steps N --decay-steps N\)$/m);

  const record = json(join(run, 'evaluation.json'));
  assert.equal([record.format, record.count, record.seconds, record.step], [1, 4, 0.5, 2]);
  assert.equal(record.heldOut, { clips: 6, files });
  assert.equal(record.flags, { '--run': run, '--count': 4, '--seed': 2, '--out': out });
  assert.ok(stdout.includes(record.verdict));
  assert.ok(record.measurement.frechet.percent > 50 && record.measurement.frechet.percentInterval.length === 2);

  const same = join(temporaryFolder(), 'sounds');
  await succeeds('sample', ['--run', run, '--out', same, '--seconds', '0.5', '--seed', '2', '--index', '3']);
  const samplesIn = (folder: string): Float32Array => decodeWav(readFileSync(join(folder, 'sample-seed2-3.wav')), 'a sample').samples;
  assert.equal(samplesIn(same), samplesIn(out));
  assert.equal(readdirSync(out).filter((name) => name.endsWith('.wav')).length, 4);

  // As files they are what they were, but for 16 bits, which clip an untrained network's noise.
  const again = await succeeds('evaluate', ['--run', run, '--samples', out, '--seed', '2', '--json', join(out, 'other.json')]);
  assert.match(again, /^measuring 4 samples of 0\.50 s$/m);
  assert.not.ok(existsSync(join(out, 'evaluation.json')));
  const other = json(join(out, 'other.json'));
  assert.is(other.measurement.frechet.floor, record.measurement.frechet.floor);
  assert.ok(Math.abs(other.measurement.frechet.samples / record.measurement.frechet.samples - 1) < 0.2);
  assert.is(other.step, null);

  await succeeds('report', ['--run', run]);
  const page = readFileSync(join(run, 'report.html'), 'utf8');
  assert.match(page, '4 samples of 0.50 s after 2 updates, against 6 clips of 3 held-out files');
  assert.match(page, '<tr><th>Fréchet distance</th><td>');
  writeFileSync(join(run, 'evaluation.json'), JSON.stringify({ ...record, verdict: '<script>evil</script>' }));
  await succeeds('report', ['--run', run]);
  assert.not.ok(readFileSync(join(run, 'report.html'), 'utf8').includes('<script>evil'));
  for (const broken of [{ ...record, format: 2 }, { ...record, copies: undefined }, { ...record, measurement: { frechet: {} } }]) {
    writeFileSync(join(run, 'evaluation.json'), JSON.stringify(broken));
    await refuses('report', ['--run', run], ['evaluation.json is not an evaluation that this version reads']);
  }
});

test('music of one\'s own, held out as a folder, without a run: other tunes are like music, copies are found', async () => {
  const heldOut = temporaryFolder(Object.fromEntries([20, 21, 22, 23].map((i) => [`other${i}.wav`, tuneOf(i, 22050)])));
  const samples = join(temporaryFolder(), 'sounds');
  mkdirSync(samples);
  for (const i of [0, 1, 2, 3]) writeFileSync(join(samples, `${i}.wav`), encodeWav16(tuneOf(30 + i, 22050), 22050));
  const base = ['--data', data, '--held-out', heldOut, '--samples', samples];
  const stdout = await succeeds('evaluate', base);
  assert.match(stdout, 'held out  8 clips of 4 files, other20.wav, other21.wav, other22.wav and 1 more; trained on 24 clips');
  assert.match(stdout, /good: .*nothing is copied/);
  assert.ok(existsSync(join(samples, 'evaluation.json')));

  // A clip is half a second, so that a copy of one is.
  for (const i of [0, 1, 2, 3]) writeFileSync(join(samples, `${i}.wav`), encodeWav16(tuneOf(i, 22050).slice(0, 11025), 22050));
  assert.match(await succeeds('evaluate', base), /not: .*\d of 4 pieces are found again in the training clips; try: more music/);
});

test('what cannot be evaluated is refused in one line', async () => {
  const run = await trained();
  const folder = temporaryFolder({ 'a.wav': tuneOf(1, 300), 'empty/b.txt': '' });
  const without = join(temporaryFolder(), 'run');
  RunFolder.create(without, { preset: 'tiny', ...classic, data });
  const nowhere = join(temporaryFolder(), 'run');
  RunFolder.create(nowhere, { preset: 'tiny', ...classic, data: '/gone/music' });
  const [slow, single] = [join(temporaryFolder(), 'set'), join(temporaryFolder(), 'set')];
  await prepareDataset({ source: music, out: slow, sampleRate: 8000, downsample: 2, seconds: 1, splits: 1 });
  await prepareDataset({ source: temporaryFolder({ 'one.wav': tuneOf(1, 22050) }), out: single, seconds: 1, splits: 2 });
  await Promise.all(([
    [['--run', run, '--samples', folder, '--steps', '3'], ['--steps has no meaning with --samples']],
    [['--samples', folder], ['--data is required without a --run']],
    [['--samples', join(folder, 'empty'), '--data', data], ['has no WAV files in it']],
    [['--samples', folder, '--data', data], ['sample 0 is too short to be evaluated: 100 samples']],
    [['--run', without], ['the run kept no track back', 'give a folder of other music with --held-out']],
  ] as const).map(([args, texts]) => refuses('evaluate', args, texts)));
  // As the command finds them, but without a process each.
  const opened = RunFolder.open(run);
  const making = (words: string): unknown =>
    makingOf(parse({ name: 'evaluate', summary: '', flags: makingFlags }, words.split(' ')).flags, { run: opened, clipSeconds: 0.5 });
  assert.throws(() => making('--seconds 1 --length 5'), /--seconds and --length say the same thing twice/);
  assert.throws(() => making('--sampler ddpm --eta 0.5'), /eta/);
  assert.is((making('--steps 2') as { L: number }).L, 3675);
  assert.is((making('--length 99') as { L: number }).L, 99);
  const print = (): void => {};
  for (const [options, pattern] of [
    [{ run: RunFolder.open(nowhere) }, /^the run's data, \/gone\/music, is not there: say where it is with `data`$/],
    [{ run: opened, data: slow }, /^the run was trained at 7350 Hz, but .* has 4000 Hz$/],
    [{ data, heldOut: slow }, /has 4000 Hz, but .* has 7350 Hz$/],
    [{ data: single }, /there is one track only\): give a folder of other music with `heldOut`$/],
  ] as const) {
    const error = await setsFrom({ ...options, print }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof UserError && pattern.test(error.message), String(error));
  }
});

test('a run whose data are not those that it was trained on: tracks are chosen anew, and a line says so', async () => {
  const lines: string[] = [];
  const changed = join(temporaryFolder(), 'set');
  await prepareDataset({ source: music, out: changed, seconds: 0.9, splits: 2 });
  const sets = await setsFrom({ run: RunFolder.open(await trained()), data: changed, print: (line) => lines.push(line) });
  assert.equal(lines, ['note: this is not the data that the run was trained on: tracks to measure from are chosen anew']);
  assert.is(sets.training.clipCount + sets.heldOut.clipCount, 24);
});

test('one track held out that is like no other: no scale is made up, and what is plain is said all the same', async () => {
  const heldOut = temporaryFolder({ 'rain.wav': noise(44100) });
  const samples = join(temporaryFolder(), 'sounds');
  mkdirSync(samples);
  for (const i of [0, 1, 2]) writeFileSync(join(samples, `${i}.wav`), encodeWav16(sine({ hertz: 100 + i, sampleRate: 22050, samples: 22050 }), 22050));
  const stdout = await succeeds('evaluate', ['--data', data, '--held-out', heldOut, '--samples', samples]);
  assert.match(stdout, /^Fréchet distance .* no scale: other music is no nearer than noise$/m);
  assert.match(stdout, /not: no nearer to music than noise that has its spectrum/);
  assert.not.match(stdout, /NaN|-\d+ %/);
  assert.is(json(join(samples, 'evaluation.json')).measurement.frechet.percent, null);
});

const figure = { samples: 5, floor: 5, spectrum: 15, white: 22 };
const fine: Measurement = {
  frechet: { ...figure, percent: 0 }, modulation: { ...figure, percent: 3, interval: [4, 6], percentInterval: [-10, 10] }, logSpectrum: figure,
  level: { samples: -15, training: -15.5, heldOut: -14 }, variety: { samples: 14, training: 15 }, pieces: { count: 64, length: 22050 },
};
const honest: Copies = { samples: [0.1, 0.2, 0.3, 0.4], heldOut: [0.1, 0.5], seconds: { searched: 100, all: 100 } };

test('the verdict says what is good, what is not, and what to do first', () => {
  assert.is(inWords(fine, honest),
    'good: as near to held-out music as other music is, onsets and rhythm move as in music, the mean spectrum is right, the level is right, ' +
    'samples are as varied as clips, nothing is copied from the training clips; try: listen to them');
  const hiss = inWords({ ...fine, frechet: { ...figure, percent: 90 }, modulation: { ...figure, percent: 99 }, variety: { samples: 3, training: 15 } }, honest);
  assert.match(hiss, 'not: no nearer to music than noise that has its spectrum, no onsets: it moves like a stationary hiss, samples are alike: 20 % of the variety of clips; try: train longer before');
  const quiet = inWords({ ...fine, level: { samples: -25, training: -15, heldOut: -15 } }, honest);
  assert.match(quiet, /not: 10\.0 dB too quiet; try: npm run schedule -- --run … --data …, and sample --start shaped$/);
  assert.match(inWords({ ...fine, frechet: { ...figure, percent: 40 } }, honest), 'not: 40 % of the way from music to noise that has its spectrum; try: train longer; a network');
  const upsideDown = { samples: 17, floor: 20, spectrum: 15, white: 22, percent: NaN };
  assert.match(inWords({ ...fine, frechet: upsideDown }, honest),
    /^good: onsets .*; unclear: how near to music it is, as the tracks held out are as unlike other music as noise is: hold out more; try: listen to them$/);
  assert.match(inWords({ ...fine, frechet: { ...upsideDown, samples: 12 } }, honest), /^good: as near to held-out music as other music is, /);
  assert.match(inWords({ ...fine, modulation: { ...upsideDown, samples: 30 } }, honest), 'not: no onsets: it moves like a stationary hiss; try: train longer before');
  assert.match(inWords(fine, { ...honest, samples: [0.1, 0.2, 0.9, 0.95] }), 'not: 2 of 4 pieces are found again in the training clips; try: more music, or fewer updates');
});

test('the table has a column for every reference, and figures that are none are dashes', () => {
  const [head, ...lines] = tableText(rowsOf({ ...fine, frechet: { ...figure, percent: NaN } }, honest)).split('\n');
  assert.match(head!, /^ +samples +95 % +other music +only a spectrum +white noise$/);
  assert.match(lines[0]!, /^Fréchet distance +5\.0 +5\.0 +15\.0 +22\.0 +no scale: other music is no nearer than noise$/);
  assert.match(lines[1]!, /^modulation, 2–20 Hz +5\.0 dB +4\.0 to 6\.0 +5\.0 dB +15\.0 dB +22\.0 dB +3 % \(-10 to 10\)$/);
  assert.match(lines[3]!, /^level +-15\.0 dB +-15\.5 dB +\+0\.5 dB$/);
  assert.match(lines[4]!, /^variety +14\.0 dB +15\.0 dB +93 % of that of clips$/);
  assert.match(lines[5]!, /^best match in training +0\.40 +0\.50 +0 of 4 pieces above other music's best$/);
});

test.run();
