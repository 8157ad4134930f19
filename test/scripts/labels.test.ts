/** Labels from the command line: `train --labels`, what a run keeps of them, `sample --label`, and what is refused. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('labels as a command');

const second = 22050;
const tone = (hertz: number) => sine({ hertz, sampleRate: second, samples: second });
const music = temporaryFolder({
  'hiss/a.wav': noise(second, 1), 'hiss/b.wav': noise(second, 2), 'tones/low.wav': tone(220), 'tones/high, or so.wav': tone(660),
});
const sources = ['--data', music];
const newRun = (): string => join(temporaryFolder(), 'run');
const small = [
  '--preset', 'tiny', '--layers', '2', '--channels', '4', '--diffusion-steps', '4', '--crop-samples', '64', '--batch-size', '2',
  '--learning-rate-schedule', 'constant', '--validation-tracks', '2', '--print-every', '1',
];

const run = newRun();
let said = '';

test('folders are labels: the run has them in its weights, its configuration and a table', async () => {
  said = await succeeds('train', [...sources, '--out', run, ...small, '--labels', 'folders', '--steps', '2', '--sample-every', '1']);
  assert.match(said, /^labels    2: hiss \(2 tracks\), tones \(2\)$/m);
  assert.match(said, /^sample .*1\.wav \(hiss\)$/m);
  assert.match(said, /^sample .*2\.wav \(tones\)$/m);
  assert.match(said, /^label +loss +Wiener +not told +told helps$/m);
  assert.match(said, /^listen with: .* --label hiss --seconds 5 --out samples$/m);
  const { metadata } = readSafetensors(readFileSync(join(run, 'weights.safetensors')), 'weights');
  const { conditioner, labels, labelWidth } = JSON.parse(metadata.config!);
  assert.equal([conditioner, labels, labelWidth], ['labels', ['hiss', 'tones'], 128]);
  assert.is(RunFolder.open(run).config.labels, 'folders');
  assert.match(readFileSync(join(run, 'labels.csv'), 'utf8'), /^path,label\n(.*\n)*"tones\/high, or so\.wav",tones\n/);
});

test('samples by label, mixed, guided, and along the clip', async () => {
  const out = join(temporaryFolder(), 'out');
  const make = (name: string, ...flags: string[]) => succeeds('sample', ['--run', run, '--out', join(out, name), '--seconds', '0.1', '--format', 'float', ...flags]);
  await make('none');
  await make('hiss', '--label', 'hiss');
  await make('same', '--label', 'hiss:3', '--guidance', '1');
  await make('guided', '--label', 'hiss:0.7,tones:0.3', '--guidance', '2.5');
  await make('way', '--labels-over-time', '0:hiss,0.05:tones,0.08:none');
  const data = (name: string): string => {
    const bytes = readFileSync(join(out, name, 'sample-seed0-0.wav'));
    const start = bytes.indexOf('data') + 8;
    return createHash('sha256').update(bytes.subarray(start, start + bytes.readUInt32LE(start - 4))).digest('hex');
  };
  assert.is(data('hiss'), data('same'));
  assert.is(new Set(['none', 'hiss', 'guided', 'way'].map(data)).size, 4);
  assert.match(readFileSync(join(out, 'guided', 'sample-seed0-0.wav')).toString('latin1'), /--label hiss:0\.7,tones:0\.3 --guidance 2\.5/);
});

test('an evaluation asks for the labels in turn, and says what came of it', async () => {
  const text = await succeeds('evaluate', ['--run', run, '--count', '4', '--seconds', '0.3', '--guidance', '2']);
  assert.match(text, /^asked for +nearest to it +to hiss +to tones$/m);
  assert.match(text, /^tones +\d of 2 +[\d.]+ dB +[\d.]+ dB$/m);
  assert.match(text, /% of the samples are nearest to the class that they were asked for; of held-out music \d+ %, by chance 50 %$/m);
  const { labels, classes } = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8'));
  assert.equal([labels, classes.classes.map((each: { pieces: number }) => each.pieces)], [['hiss', 'tones'], [2, 2]]);
});

test('the report shows which classes are learned, and what samples of them are like', async () => {
  await succeeds('report', ['--run', run]);
  assert.match(readFileSync(join(run, 'report.html'), 'utf8'), /Loss by label[\s\S]*<td>tones<\/td>[\s\S]*nearest to it[\s\S]*by chance 50 %/);
});

test('a run goes on with its labels, to the bits of one that was not interrupted', async () => {
  const whole = newRun();
  await succeeds('train', [...sources, '--out', whole, ...small, '--labels', 'folders', '--steps', '4']);
  await succeeds('train', [...sources, '--out', run, '--resume', '--steps', '4']);
  assert.equal(readFileSync(join(run, 'weights.safetensors')), readFileSync(join(whole, 'weights.safetensors')));
});

test('labels in a file, which may go away when the run has begun; without "none" where nothing is dropped', async () => {
  const table = join(temporaryFolder(), 'labels.csv');
  writeFileSync(table, 'path,label\nhiss/a.wav,loud\nhiss/b.wav,loud\ntones/low.wav,soft\n"tones/high, or so.wav",soft\n');
  const other = newRun();
  await succeeds('train', [...sources, '--out', other, ...small, '--labels', table, '--label-dropout', '0', '--steps', '1']);
  writeFileSync(table, 'gone\n');
  assert.match(await succeeds('train', [...sources, '--out', other, '--resume', '--steps', '2']), /^labels    2: loud \(2 tracks\), soft \(2\)$/m);
  const sampling = ['--run', other, '--out', 'nowhere', '--seconds', '0.1'];
  await refuses('sample', [...sampling, '--label', 'soft', '--guidance', '2'], ['guidance needs a network that was also trained without']);
  await refuses('sample', sampling, ['must be told']);
});

test('what cannot be is said in a line', async () => {
  const sampling = ['--run', run, '--out', 'nowhere', '--seconds', '0.1'];
  for (const [flags, text] of [
    [['--label', 'polka'], 'there is no label "polka": this network knows hiss, tones, none'],
    [['--label', 'hiss:'], '--label must be a label'],
    [['--label', 'hiss', '--labels-over-time', '0:hiss'], 'give one of them'],
    [['--labels-over-time', '1:hiss,0:tones'], 'must go forward in time'],
    [['--labels-over-time', 'hiss'], '--labels-over-time must be seconds and labels'],
    [['--guidance', '2'], '--guidance has a meaning only with --label'],
  ] as const) await refuses('sample', [...sampling, ...flags], [text]);
  const training = (...flags: string[]) => [...sources, '--out', 'nowhere', ...small, '--steps', '1', ...flags];
  const table = join(temporaryFolder(), 'labels.csv');
  writeFileSync(table, 'hiss/a.wav,x\nhiss/b.wav,none\n');
  await refuses('train', training('--labels', table), ['"none" cannot be a label']);
  writeFileSync(table, 'hiss/a.wav,x\nhiss/b.wav,y\n');
  await refuses('train', training('--labels', table), ['has no label: name it']);
  writeFileSync(table, 'hiss/a.wav,x\n');
  await refuses('train', training('--labels', table), ['finds x alone, and two classes are the least']);
  await refuses('train', ['--data', join(music, 'hiss'), '--out', 'nowhere', ...small, '--steps', '1', '--labels', 'folders'], ['lies in no folder that could be its label']);
  const plain = newRun();
  await succeeds('train', [...sources, '--out', plain, ...small, '--steps', '1']);
  assert.not.ok(existsSync(join(plain, 'labels.csv')));
  await refuses('sample', ['--run', plain, '--out', 'nowhere', '--label', 'hiss'], ['this network has no labels']);
  await refuses('train', [...sources, '--out', plain, '--resume', '--steps', '2', '--labels', 'folders'], ['contradicts the run', 'which has none']);
});

test.run();
