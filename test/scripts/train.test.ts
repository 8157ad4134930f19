import { appendFileSync, cpSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../../src/dataset/dataset.node.ts';
import { typed } from '../../scripts/lib/cli/flags.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import type { TrainingConfig } from '../../src/diffwave/training/config.ts';
import { learningRateAt } from '../../src/diffwave/training/learningRate.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { WITHOUT_ADAPTER, refuses, runScript, succeeds } from './program.ts';

const test = suite('npm run train');

const second = 22050; // samples of the files
const music = temporaryFolder({
  'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: second }),
  'b.wav': noise(second),
});

/** The music as a data set of four clips of half a second, 3675 samples at 7350 Hz. */
const data = join(temporaryFolder(), 'set');
await prepareDataset({ source: music, out: data, seconds: 1, splits: 2 });

const SMALL = [
  '--preset', 'tiny', '--batch-size', '2', '--crop-samples', '256', '--diffusion-steps', '4',
  '--print-every', '2', '--save-every', '2', '--learning-rate-schedule', 'constant', '--warmup-steps', '0',
];

/** A folder that is not there yet. */
const newRun = (): string => join(temporaryFolder(), 'run');

/** A copy of a run that was trained for four steps, once for all tests. */
const trained = (() => {
  const original = newRun();
  const done = succeeds('train', ['--data', data, '--out', original, '--steps', '4', ...SMALL]);
  return async () => {
    const stdout = await done;
    const run = newRun();
    cpSync(original, run, { recursive: true });
    return { run, stdout, original };
  };
})();

const checkpoints = (run: string): string[] => readdirSync(join(run, 'checkpoints')).sort();
const bytes = (...path: string[]): Buffer => readFileSync(join(...path));

test('trains: configuration, log, checkpoints, latest weights, and what it says', async () => {
  const { run, stdout, original } = await trained();
  for (const name of ['checkpoints', 'config.json', 'log.jsonl', 'weights-raw.safetensors', 'weights.safetensors']) {
    assert.ok(readdirSync(run).includes(name), name);
  }
  assert.equal(checkpoints(run), ['step-2', 'step-4']);
  assert.equal(readdirSync(join(run, 'checkpoints', 'step-4')).sort(),
    ['optimizer.safetensors', 'state.json', 'weights-raw.safetensors', 'weights.safetensors']);
  for (const file of ['weights.safetensors', 'weights-raw.safetensors']) {
    assert.equal(bytes(run, file), bytes(run, 'checkpoints', 'step-4', file));
  }
  assert.not.equal(bytes(run, 'weights.safetensors'), bytes(run, 'weights-raw.safetensors'));

  const { preset, model, training } = RunFolder.open(run).config;
  assert.equal([preset, model.layers, model.diffusionSteps, model.sampleRate], ['tiny', PRESETS.tiny.model.layers, 4, 7350]);
  assert.equal([training.batchSize, training.cropSamples, training.seed], [2, 256, 0]);

  const lines = readFileSync(join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.map(({ step }) => step), [1, 2, 4]);
  for (const line of lines) {
    assert.equal(Object.keys(line), ['step', 'loss', 'gradientNorm', 'learningRate', 'seconds']);
    assert.ok(Number.isFinite(line.loss) && line.loss > 0 && line.seconds > 0);
    assert.is(line.learningRate, training.learningRate);
  }

  assert.match(stdout, /^adapter   \S/m);
  assert.match(stdout, /^model     tiny: 8 layers × 32 channels, T = 4, sees 511 samples \(0\.07 s\)$/m);
  assert.match(stdout, /^schedule  linear β from 0.0001 to 0.2, T = 4, predicting ε: x_T still has 65 % of the signal's power, .*: npm run schedule says what helps$/m);
  assert.match(stdout, /^data      4 clips of 3675 samples at 7350 Hz, batch 2 × 256 samples$/m);
  assert.match(stdout, /^plan      [\d,]+ parameters, the whole batch at once, activations kept, \d+ dispatches a step$/m);
  assert.match(stdout, /^memory    \S+ .iB of GPU memory: parameters .*, optimizer .*, activations .*, workspace .*, beside .*iB$/m);
  const [, peak, predicted] = /^GPU memory at the peak (\S+) MiB, (\S+) MiB were predicted$/m.exec(stdout) ?? [];
  assert.ok(Math.abs(Number(peak) / Number(predicted) - 1) < 0.05, `${peak} MiB at the peak, ${predicted} MiB predicted`);
  assert.match(stdout, /^step 1 of 4 · loss \d\.\d{4} over 1 update$/m);
  assert.match(stdout, /^saved step 2 in /m);
  assert.match(stdout, /^step 4 of 4 · loss \d\.\d{4} over 4 updates · \S+ steps\/s$/m);
  assert.match(stdout, `saved step 4 in ${original}\nlisten with: npm run sample -- --run ${original} `);
});

test('--resume goes on to the same weights as a run that was not interrupted', async () => {
  const { run } = await trained();
  const args = ['--data', data, '--out', run, '--resume', '--steps', '6', '--print-every', '2'];
  const stdout = await succeeds('train', args);
  assert.match(stdout, /^resumed   at step 4$/m);
  assert.match(stdout, /^step 6 of 6 /m);
  assert.equal(RunFolder.open(run).readLog().map(({ step }) => step), [1, 2, 4, 6]);
  assert.equal(checkpoints(run), ['step-2', 'step-4', 'step-6']);

  const straight = newRun();
  await succeeds('train', ['--data', data, '--out', straight, '--steps', '6', ...SMALL]);
  for (const file of ['weights.safetensors', 'weights-raw.safetensors', 'optimizer.safetensors']) {
    assert.equal(bytes(run, 'checkpoints', 'step-6', file), bytes(straight, 'checkpoints', 'step-6', file));
  }
});

test('every option of the training has its flag and its place in config.json, and old checkpoints go', async () => {
  const run = newRun();
  const options = {
    warmupSteps: 2, learningRateSchedule: 'cosine', decayFactor: 0.2, weightDecay: 0.01, clipNorm: 0.5, emaDecay: 0, minSnr: 5,
    timesteps: 'stratified', gainDb: 6, learningRate: 0.001, seed: 3,
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [typed(name), String(value)]);
  const args = ['--data', data, '--out', run, ...SMALL.slice(0, -4), '--steps', '6', '--keep', '2', '--loss', 'l1', '--polarity-flip'];
  await succeeds('train', [...args, ...flags]);
  const { model, training } = RunFolder.open(run).config;
  assert.is(model.loss, 'l1');
  const wanted = { ...PRESETS.tiny.training, batchSize: 2, cropSamples: 256, ...options, polarityFlip: true, decaySteps: 6 };
  assert.equal(training, wanted);
  assert.equal(checkpoints(run), ['step-4', 'step-6']);
  assert.is(existsSync(join(run, 'weights-raw.safetensors')), false);
  const rates = RunFolder.open(run).readLog().map(({ learningRate }) => learningRate);
  assert.equal(rates, [0, 1, 3, 5].map((step) => learningRateAt(wanted as TrainingConfig, step)));
});

test('a noise schedule has its flags and its place in config.json, and a resumed run keeps it', async () => {
  const run = newRun();
  const betas = temporaryFolder({ 'betas.json': '[0.1, 0.25, 0.5]' });
  const list = ['--betas', join(betas, 'betas.json'), '--zero-terminal-snr', '--prediction', 'v'];
  const args = ['--data', data, '--out', run, '--preset', 'tiny', '--batch-size', '2', '--crop-samples', '256'];
  const stdout = await succeeds('train', [...args, '--steps', '1', ...list]);
  assert.match(stdout, /^schedule  list of β, T = 3, zero terminal SNR, predicting v: x_T is as good as noise \(no signal at all\), /m);
  const { model } = RunFolder.open(run).config;
  assert.equal([model.schedule, model.betas, model.diffusionSteps, model.zeroTerminalSnr, model.prediction],
    ['list', [0.1, 0.25, 0.5], 3, true, 'v']);

  const resume = ['--data', data, '--out', run, '--resume', '--steps', '2'];
  await refuses('train', [...resume, '--betas', '0.1,0.25,0.4'], [`--betas 0.1,0.25,0.4 contradicts the run in ${run}, which has 3 others`]);
  await refuses('train', [...resume, '--beta-schedule', 'linear'], ['which has list']);
  await succeeds('train', [...resume, '--betas', '0.1,0.25,0.5', '--zero-terminal-snr', '--prediction', 'v']);
  assert.is(RunFolder.open(run).readLog().at(-1)!.step, 2);
});

test('a folder of WAV files will do, with one that is none, and the preset\'s crop gives way to short clips', async () => {
  const folder = temporaryFolder({ 'a.wav': noise(3 * second), 'b.wav': 'not music' });
  const run = newRun();
  // Files of three seconds at the preset's thirty: one clip of five seconds, padded with silence.
  const args = ['--data', folder, '--out', run, '--preset', 'tiny', '--steps', '1', '--batch-size', '1'];
  const stdout = await succeeds('train', args);
  assert.match(stdout, 'left out: b.wav is not a WAV file');
  assert.is(stdout.match(/^(health|silence|clipping|DC offset) .*$/gm)?.length, 1, 'what the doctor says');
  assert.match(stdout, /^data      1 clips of 36750 samples at 7350 Hz, batch 1 × 2048 samples$/m);
  assert.equal(checkpoints(run), ['step-1']);
});

test('what contradicts the run is refused by its flag', async () => {
  const { run } = await trained();
  const resume = (...flags: string[]) => ['--data', data, '--out', run, '--resume', '--steps', '6', ...flags];
  const contradictions = [
    ['--preset', 'gtzan', 'tiny'],
    ['--batch-size', '3', '2'],
    ['--crop-samples', '128', '256'],
    ['--diffusion-steps', '5', '4'],
    ['--seed', '1', '0'],
    ['--loss', 'l1', 'mse'],
    ['--clip-norm', '1', 'none'],
    ['--ema-decay', '0', '0.9999'],
    ['--timesteps', 'stratified', 'uniform'],
    ['--beta-schedule', 'cosine', 'linear'],
    ['--beta-end', '0.5', '0.2'],
    ['--betas', '0.1,0.2,0.3,0.4', 'none'],
    ['--prediction', 'v', 'epsilon'],
  ];
  await Promise.all(contradictions.map(([flag, value, has]) =>
    refuses('train', resume(flag!, value!), [`${flag} ${value} contradicts the run in ${run}, which has ${has}: `])));
  await refuses('train', resume('--polarity-flip'), [`--polarity-flip contradicts the run in ${run}, which has false: `]);
  assert.equal(checkpoints(run), ['step-2', 'step-4']);
  await succeeds('train', resume('--preset', 'tiny', '--batch-size', '2', '--beta-schedule', 'linear', '--prediction', 'epsilon')); // said again, but no contradiction
});

test('a run that cannot go on says why, and stays as it is', async () => {
  const { run } = await trained();
  const resume = (...flags: string[]) => ['--data', data, '--out', run, '--resume', ...flags];
  await refuses('train', resume('--steps', '4'), ['at step 4 already', '--steps']);

  const slow = join(temporaryFolder(), 'set');
  await prepareDataset({ source: music, out: slow, seconds: 1, splits: 2, downsample: 6 });
  await refuses('train', ['--data', slow, '--out', run, '--resume'], ['7350 Hz', `--data ${slow} has 3675 Hz`]);

  const newest = join(run, 'checkpoints', 'step-4');
  const weights = join(newest, 'weights.safetensors');
  truncateSync(weights, 5000);
  await refuses('train', resume(), [weights, 'cut off', `delete ${newest} to resume from step 2`]);
  assert.equal(RunFolder.open(run).readLog().map(({ step }) => step), [1, 2, 4]);

  const configuration = join(run, 'config.json');
  const { model, ...rest } = JSON.parse(readFileSync(configuration, 'utf8'));
  writeFileSync(configuration, JSON.stringify({ ...rest, model: { ...model, channels: 32 } })); // of another preset
  await refuses('train', resume(), ['weights.safetensors']);
  truncateSync(configuration, 40);
  await refuses('train', resume(), [configuration, 'not valid JSON']);

  const missing = newRun();
  await refuses('train', ['--data', data, '--out', missing, '--resume'], [missing, 'no such folder']);
  assert.is(existsSync(missing), false);
});

test('what cannot work is refused in one line, and nothing is created', async () => {
  const out = newRun();
  const texts = temporaryFolder({ 'a.wav': 'no music', 'b.wav': '' });
  const train = (folder: string, ...flags: string[]) => ['--data', folder, '--out', out, '--preset', 'tiny', ...flags];
  const cases: [string[], ...string[]][] = [
    [train(data, '--batchsize', '2'), 'unknown flag --batchsize, did you mean --batch-size?'],
    [train(data, '--steps', '0'), '--steps must be at least 1 and at most 4294967296, got 0'],
    [['--data', data, '--out', out, '--preset', 'jazz'], 'There is no preset "jazz"', 'gtzan, tiny'],
    [train(data, '--learning-rate-schedule', 'step'), '--learning-rate-schedule step needs --decay-steps'],
    [train(data, '--learning-rate-schedule', 'cosine', '--steps', '5', '--warmup-steps', '5'), 'decaySteps 5', 'warmupSteps 5'],
    [['--out', out], '--data <folder> is required'],
    [train(data, '--zero-terminal-snr'), '--zero-terminal-snr needs --prediction v'],
    [train(data, '--betas', '0.1,2'), "--betas: number 2 must be above 0 and below 1, got '2'"],
    [train(join(data, 'nowhere')), 'nowhere', 'no folder'],
    [train(temporaryFolder()), 'There is no sound file'],
    [train(texts), 'No sound file', 'a.wav is not a WAV file', 'b.wav'],
    [train(data, '--batch-size', '5'), 'the data set has 4 clips, fewer than a batch of 5', '--batch-size'],
    [train(data, '--memory-limit', '2 gigs'), "--memory-limit must be a size such as 2GiB or 500MB, got '2 gigs'"],
    [train(data, '--memory-limit', '1MB'), 'does not fit', '977 KiB may be used', 'use a smaller network or a larger --memory-limit'],
    [train(data, '--crop-samples', '2000', '--memory-limit', '5MiB'), '5.0 MiB may be used', '--crop-samples, at most'],
    [train(data, '--crop-samples', '3676'), 'crops of 3676 samples', 'has 3675', '--crop-samples'],
  ];
  await Promise.all(cases.map(([args, ...wanted]) => refuses('train', args, wanted)));
  assert.is(existsSync(out), false);
});

test('a folder that has something in it is left alone', async () => {
  const full = temporaryFolder({ 'song.txt': 'la' });
  await refuses('train', ['--data', data, '--out', full, ...SMALL], [full, 'not empty', '--out']);
  assert.equal(readdirSync(full), ['song.txt']);
  const { run } = await trained();
  await refuses('train', ['--data', data, '--out', run, ...SMALL], [run, 'already has a run', '--resume']);
  assert.equal(checkpoints(run), ['step-2', 'step-4']);
});

test('a loss that is not a number ends the run with 1, and no broken weights are saved', async () => {
  const run = newRun();
  const args = ['--data', data, '--out', run, '--learning-rate', '1e30', '--steps', '50', ...SMALL];
  await refuses('train', args, ['became', 'learning rate 1e+30', '--learning-rate']);
  assert.is(existsSync(join(run, 'checkpoints')), false);
});

test('a disk that is full ends the run with one line, and the checkpoint before is intact', async () => {
  const { run } = await trained();
  const resume = ['--data', data, '--out', run, '--resume', '--steps', '6', '--print-every', '2'];
  const before = bytes(run, 'checkpoints', 'step-4', 'optimizer.safetensors');
  // Two files of weights are written when it resumes; of the next checkpoint's, one and a half have room.
  const diskRoom = Math.round(3.5 * bytes(run, 'weights.safetensors').length);
  await refuses('train', resume, [
    `step 6 could not be saved in ${run} (ENOSPC`,
    'the checkpoint of step 4 is complete: make room and go on with --resume',
  ], { diskRoom });
  assert.equal(checkpoints(run), ['step-2', 'step-4']);
  assert.equal(bytes(run, 'checkpoints', 'step-4', 'optimizer.safetensors'), before);
  await succeeds('train', resume);
  const straight = newRun();
  await succeeds('train', ['--data', data, '--out', straight, '--steps', '6', ...SMALL]);
  assert.equal(bytes(run, 'weights.safetensors'), bytes(straight, 'weights.safetensors'));
});

// Windows has no signals between processes.
if (process.platform !== 'win32') {
  test('Ctrl-C saves, exits 0, and the run goes on from there', async () => {
    const run = newRun();
    const args = ['--data', data, '--out', run, '--steps', '100000', ...SMALL];
    const { status, stdout, stderr } = await runScript('train', args, { interruptAt: 'step 1 of' });
    assert.equal([status, stderr], [0, 'stopping after this step, then saving (again to stop at once)\n']);
    const [newest] = RunFolder.open(run).checkpoints();
    assert.ok(newest!.step > 0 && newest!.step < 100000);
    assert.match(stdout, `saved step ${newest!.step} in ${run}\n`);
    assert.match(stdout, `go on with: npm run train -- --data ${data} --out ${run} --steps 100000 --resume\n`);

    appendFileSync(join(run, 'log.jsonl'), '{"step":9'); // as after a crash
    const target = newest!.step + 2;
    await succeeds('train', ['--data', data, '--out', run, '--resume', '--steps', String(target)]);
    assert.is(RunFolder.open(run).checkpoints()[0]!.step, target);
    assert.is(RunFolder.open(run).readLog().at(-1)!.step, target);
  });
}

if (process.platform === 'linux') {
  test('says what to install where there is no adapter', async () => {
    const out = newRun();
    const args = ['--data', data, '--out', out, ...SMALL];
    await refuses('train', args, ['no WebGPU adapter', 'mesa-vulkan-drivers'], { env: WITHOUT_ADAPTER });
    assert.is(existsSync(out), false);
  });
}

test.run();
