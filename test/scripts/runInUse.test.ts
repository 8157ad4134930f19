/** A run folder between processes and data sets: one training at a time, and on the data that it began with. */
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { contentFingerprint } from '../../src/dataset/identity.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { lockName } from '../../src/disk/lock.node.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import type { Outcome } from './program.ts';
import { refuses, runScript, succeeds } from './program.ts';

const test = suite('a run in use');

const second = 22050;
const files = { 'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: second }), 'b.wav': noise(second) };
const half = { seconds: 1, splits: 2 };

async function dataset(music: Record<string, Float32Array>, options = half): Promise<string> {
  const out = join(temporaryFolder(), 'set');
  await prepareDataset({ source: temporaryFolder(music), out, ...options });
  return out;
}
const data = await dataset(files);

const SMALL = ['--preset', 'tiny', '--batch-size', '2', '--crop-samples', '64', '--diffusion-steps', '4', '--print-every', '1', '--save-every', '2', '--learning-rate-schedule', 'constant'];
const newRun = (): string => join(temporaryFolder(), 'run');
/** Until a training has saved step `least` or a later one (old checkpoints go); throws if it ended before. */
async function saves(least: number, run: string, training: Promise<Outcome>): Promise<void> {
  let ended: Outcome | undefined;
  void training.then((outcome) => { ended = outcome; });
  const newest = (): number => (existsSync(join(run, 'config.json')) ? RunFolder.open(run).checkpoints()[0]?.step ?? 0 : 0);
  while (newest() < least) {
    assert.is(ended, undefined, `it ended: ${ended?.stderr}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

const stateOf = (run: string, step: number) => JSON.parse(readFileSync(join(run, 'checkpoints', `step-${step}`, 'state.json'), 'utf8'));

test('the data of a run are what its clips are, not where they lie', async () => {
  const own = contentFingerprint(loadDataset(data));
  assert.is(contentFingerprint(loadDataset(await dataset(files))), own, 'prepared again from copies');
  const others = [
    await dataset({ ...files, 'b.wav': noise(second, 2) }), await dataset({ 'a.wav': files['a.wav'] }), await dataset(files, { seconds: 1, splits: 3 }),
  ];
  // The same samples, but both files were parts of one track.
  const joined = join(temporaryFolder(), 'set');
  cpSync(data, joined, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(joined, 'manifest.json'), 'utf8'));
  writeFileSync(join(joined, 'manifest.json'), JSON.stringify({ ...manifest, clips: manifest.clips.map((clip: object) => ({ ...clip, track: 0 })) }));
  assert.is(new Set([own, ...[...others, joined].map((folder) => contentFingerprint(loadDataset(folder)))]).size, 5);
});

test('other data are refused, unless --new-data says that they are meant; then they are recorded', async () => {
  const run = newRun();
  await succeeds('train', ['--data', data, '--out', run, '--steps', '2', ...SMALL]);
  assert.is(stateOf(run, 2).data, contentFingerprint(loadDataset(data)));
  const other = await dataset({ 'c.wav': noise(second, 7), 'd.wav': noise(second, 8) });
  const resume = (folder: string, ...more: string[]): string[] => ['--data', folder, '--out', run, '--resume', '--print-every', '1', '--save-every', '2', ...more];
  const before = readdirSync(run).sort();
  await refuses('train', resume(other, '--steps', '4'), [`--data ${other} is not what the run in ${run} was trained on (${data}`, '--new-data']);
  assert.equal(readdirSync(run).sort(), before);
  await refuses('train', ['--data', data, '--out', newRun(), '--new-data', ...SMALL], ['--new-data has a meaning only with --resume']);

  writeFileSync(join(run, 'best.json'), '{"step":2,"loss":0.001}');
  assert.match(await succeeds('train', resume(other, '--steps', '4', '--new-data')), /^resumed   at step 2, with other data from here on$/m);
  assert.is(RunFolder.open(run).config.data, other);
  assert.is(stateOf(run, 4).data, contentFingerprint(loadDataset(other)));
  assert.not.equal(JSON.parse(readFileSync(join(run, 'best.json'), 'utf8')), { step: 2, loss: 0.001 }, 'a loss on other music is no measure');
  const told = readFileSync(join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line)).filter(({ event }) => event === 'new data');
  assert.equal(told, [{ event: 'new data', step: 2, data: other, fingerprint: contentFingerprint(loadDataset(other)) }]);
  assert.equal(RunFolder.open(run).readLog().map(({ step }) => step), [1, 2, 3, 4]);

  // From here on those are the run's own; a copy of them elsewhere is the same, and config.json names it.
  await refuses('train', resume(data, '--steps', '6'), ['is not what the run']);
  const moved = join(temporaryFolder(), 'moved');
  cpSync(other, moved, { recursive: true });
  await succeeds('train', resume(moved, '--steps', '6'));
  assert.is(RunFolder.open(run).config.data, moved);

  // A run of an earlier version does not know: it goes on, and knows from then on.
  const state = join(run, 'checkpoints', 'step-6', 'state.json');
  const { data: _, ...old } = JSON.parse(readFileSync(state, 'utf8'));
  writeFileSync(state, JSON.stringify(old));
  await succeeds('train', resume(data, '--steps', '8'));
  assert.is(stateOf(run, 8).data, contentFingerprint(loadDataset(data)));
});

// Windows has no signals between processes.
if (process.platform !== 'win32') {
  test('two trainings in one folder: the second is told of the first, and a killed one blocks nobody', async () => {
    const run = newRun();
    const settings = ['--data', data, '--out', run, '--steps', '100000'];
    let kill!: () => void;
    const first = runScript('train', [...settings, ...SMALL], { killOn: new Promise<void>((now) => { kill = now; }) });
    await saves(4, run, first);
    const { pid } = JSON.parse(readFileSync(join(run, lockName), 'utf8'));
    await refuses('train', [...settings, '--resume'], [`${run} is in use: process ${pid} on ${hostname()} is writing into the run`]);
    kill();
    const { status } = await first;
    assert.is(status, null);
    assert.ok(existsSync(join(run, lockName)), 'as the kill left it');
    const { step } = RunFolder.open(run).checkpoints()[0]!;
    await succeeds('train', ['--data', data, '--out', run, '--resume', '--steps', String(step + 1)]);
    assert.not.ok(existsSync(join(run, lockName)));
    assert.equal(readdirSync(run).filter((name) => name.endsWith('.tmp')), []);
    const steps = RunFolder.open(run).readLog().map((line) => line.step);
    assert.equal(steps, [...new Set(steps)].sort((a, b) => a - b), 'one log, of one training');
  });

  test('a training whose folder another host took over stops, and leaves it alone', async () => {
    const run = newRun();
    const training = runScript('train', ['--data', data, '--out', run, '--steps', '100000', ...SMALL]);
    await saves(4, run, training);
    const theirs = { token: 'theirs', host: 'elsewhere', pid: 7, beats: 1 };
    // Once more if the beat of just now came after it.
    const taking = setInterval(() => writeFileSync(join(run, lockName), JSON.stringify(theirs)), 20);
    const { status, stderr } = await training;
    clearInterval(taking);
    assert.is(status, 1);
    assert.match(stderr, /^train: process 7 on elsewhere has taken over the run[^\n]*\n$/);
    assert.equal(JSON.parse(readFileSync(join(run, lockName), 'utf8')), theirs);
  });
}

if (process.platform === 'linux') {
  test('no folder can be below /proc, and nothing is read that is no file', async () => {
    const made = ['/proc/diffwave cannot be made'];
    await Promise.all([
      refuses('train', ['--data', data, '--out', '/proc/diffwave/run', '--steps', '1', ...SMALL], made),
      refuses('dataset', [temporaryFolder(files), '--out', '/proc/diffwave/set'], made),
      refuses('verify', ['--golden', '/dev/zero'], ['/dev/zero is a device, wanted a file (golden values)']),
      refuses('train', ['--config', '/dev/zero', '--out', newRun()], ['/dev/zero is a device, wanted a file (JSON)']),
    ]);
  });
}

test.run();
