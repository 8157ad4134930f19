/** `train` with a network of one's own: flags, a file, both; and the same again on resume. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../../../src/dataset/dataset.node.ts';
import { learningRateAt } from '../../../src/diffwave/training/learningRate.ts';
import { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { PRESETS } from '../../../src/diffwave/presets.ts';
import { encodeWav16 } from '../../../src/formats/wav.ts';
import { noise, temporaryFolder } from '../../audio/helpers.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { refuses, succeeds } from '../program.ts';

const test = suite('npm run train: configuration');

/** Two clips of a second at 7350 Hz. */
const data = join(temporaryFolder(), 'set');
await prepareDataset({ source: temporaryFolder({ 'a.wav': noise(44100) }), out: data, clipSeconds: 1 });

const newRun = (): string => join(temporaryFolder(), 'run');
const fileOf = (content: object): string => join(temporaryFolder({ 'c.json': JSON.stringify(content) }), 'c.json');
const NETWORK = ['--layers', '3', '--channels', '8', '--kernel-size', '5', '--dilation-cycle', '2', '--embedding-width', '16'];
const SIZES = { layers: 3, channels: 8, kernelSize: 5, dilationCycle: 2, embeddingWidth: 16 };
const SMALL = ['--preset', 'tiny', '--batch-size', '1', '--crop-samples', '128', '--diffusion-steps', '4', '--learning-rate-schedule', 'constant'];

test('the network has its flags, what differs is said, and a resumed run keeps it', async () => {
  const run = newRun();
  const stdout = await succeeds('train', ['--data', data, '--out', run, '--steps', '1', ...SMALL, ...NETWORK]);
  const differs = 'differs   layers 3 instead of 8, channels 8 instead of 32, kernelSize 5 instead of 3, dilationCycle 2 instead of 8, ' +
    'embeddingWidth 16 instead of 128, diffusionSteps 4 instead of 50, batchSize 1 instead of 4, cropSamples 128 instead of 2048, learningRateSchedule constant instead of cosine\n';
  assert.match(stdout, differs);
  assert.match(stdout, /^model     tiny: 3 layers × 8 channels, T = 4, sees 17 samples/m); // 1 + 4·(1 + 2 + 1)
  const { model, preparation } = RunFolder.open(run).config;
  const { scale } = model;
  assert.ok(typeof scale === 'number' && scale > 1, 'found in the data, which are quieter than RMS 1');
  assert.equal(model, { ...PRESETS.tiny.model, ...SIZES, diffusionSteps: 4, scale });
  assert.equal(preparation, { sampleRate: 22050, seconds: null, downsample: 3, clipSeconds: 1 });

  const resume = ['--data', data, '--out', run, '--resume', '--steps', '2'];
  await Promise.all(NETWORK.filter((word) => word.startsWith('--')).map((flag, i) =>
    refuses('train', [...resume, flag, '9'], [`${flag} 9 contradicts the run in ${run}, which has ${Object.values(SIZES)[i]}: `])));
  assert.match(await succeeds('train', [...resume, ...SMALL, ...NETWORK]), differs);
});

test('a learning rate that has fallen is said to have, and may fall for longer', async () => {
  const run = newRun();
  const args = ['--data', data, '--out', run];
  await succeeds('train', [...args, ...SMALL.slice(0, -2), '--steps', '2']);
  const { training } = RunFolder.open(run).config;
  assert.equal([training.learningRateSchedule, training.decaySteps], ['cosine', 2]);
  const on = await succeeds('train', [...args, '--resume', '--steps', '4', '--save-every', '2']);
  assert.match(on, /^note: the learning rate falls until update 2, as the run began; from there on it is 0.00002, of which little comes: --decay-steps 4 makes it fall until the end$/m);
  const longer = await succeeds('train', [...args, '--resume', '--steps', '8', '--decay-steps', '8', '--print-every', '1']);
  assert.not.match(longer, 'of which little comes');
  assert.is(RunFolder.open(run).config.training.decaySteps, 8);
  const rates = RunFolder.open(run).readLog().filter(({ step }) => step > 4).map(({ learningRate }) => learningRate);
  assert.equal(rates, [4, 5, 6, 7].map((step) => learningRateAt({ ...training, decaySteps: 8 }, step)));
});

test('where no preset is named it is music, which processors are advised against', async () => {
  const run = newRun();
  const stdout = await succeeds('train', ['--data', data, '--out', run, '--steps', '1', '--batch-size', '1', '--crop-samples', '64', ...NETWORK]);
  const { preset, model, training } = RunFolder.open(run).config;
  assert.equal([preset, model.emphasis, model.betaEnd, training.clipNorm, training.decaySteps], ['music', 0.95, 0.05, 1, 1]);
  assert.is(/^note: the preset music is meant for GPUs; --preset tiny /m.test(stdout), (await gpuForTests()).isSoftware);
});

test('a file will do: flags win over it, and it wins over the preset', async () => {
  const run = newRun();
  const file = fileOf({
    preset: 'tiny', data, model: { ...SIZES, diffusionSteps: 4 }, validationTracks: 0,
    training: { batchSize: 1, cropSamples: 128, polarityFlip: true, learningRateSchedule: 'cosine' },
  });
  const args = ['--config', file, '--out', run, '--layers', '2'];
  await succeeds('train', [...args, '--steps', '1']);
  const first = RunFolder.open(run).config;
  assert.equal(first.model, { ...PRESETS.tiny.model, ...SIZES, layers: 2, diffusionSteps: 4, scale: first.model.scale });
  assert.equal(first.training, {
    ...PRESETS.tiny.training, batchSize: 1, cropSamples: 128, polarityFlip: true, learningRateSchedule: 'cosine', warmupSteps: 0, decaySteps: 1,
  });
  assert.equal([first.data, first.validationTracks], [data, 0]);

  await succeeds('train', [...args, '--steps', '2', '--resume']); // the same words again
  await refuses('train', ['--config', file, '--out', run, '--steps', '3', '--resume'],
    [`${file}: layers 3 contradicts the run in ${run}, which has 2: `]);

  const again = newRun();
  await succeeds('train', ['--config', join(run, 'config.json'), '--out', again, '--steps', '1']);
  assert.equal(RunFolder.open(again).config, first);
});

test('a preset\'s own data: a folder of spoken digits is trained on in seconds at 16 kHz', async () => {
  const folder = temporaryFolder({ 'a.wav': encodeWav16(noise(14400), 16000), 'b.wav': encodeWav16(noise(44100), 44100) });
  const run = newRun();
  const args = ['--data', folder, '--out', run, '--preset', 'diffwave-sc09', '--batch-size', '1', '--diffusion-steps', '4', '--steps', '1'];
  const stdout = await succeeds('train', [...args, ...NETWORK, '--validation-tracks', '0']);
  assert.match(stdout, /^data      2 clips of 16000 samples at 16000 Hz, batch 1 × 16000 samples$/m);
  assert.is(RunFolder.open(run).config.model.sampleRate, 16000);
});

test('a run that does not say how its clips were made is resumed with what its preset meant then', async () => {
  const folder = temporaryFolder({ 'a.wav': encodeWav16(noise(16000), 16000) });
  const run = newRun();
  const sizes = ['--batch-size', '1', '--diffusion-steps', '4', '--crop-samples', '128', ...NETWORK];
  const old = fileOf({ preset: 'diffwave-sc09', preparation: { sampleRate: 22050, seconds: 30, splits: 1 } });
  await succeeds('train', ['--config', old, '--data', folder, '--out', run, '--steps', '1', ...sizes]);
  const { preparation, ...before } = RunFolder.open(run).config;
  assert.is(before.model.sampleRate, 22050);
  writeFileSync(join(run, 'config.json'), JSON.stringify(before));
  const stdout = await succeeds('train', ['--data', folder, '--out', run, '--steps', '2', '--resume']);
  assert.match(stdout, /^data      1 clips of 661500 samples at 22050 Hz/m);
});

test('what cannot work is refused in one line', async () => {
  const train = (...flags: string[]) => ['--data', data, '--out', newRun(), ...SMALL, ...flags];
  const wrong = fileOf({ model: { layer: 3 } });
  const fast = fileOf({ model: { sampleRate: 16000 } });
  await Promise.all([
    refuses('train', train('--kernel-size', '4'), ['--kernel-size must be an odd number, got 4']),
    refuses('train', train('--dilation-cycle', '25'), ['--dilation-cycle must be at least 1 and at most 24, got 25']),
    refuses('train', train('--layers', '0'), ['--layers must be at least 1, got 0']),
    refuses('train', train('--config', wrong), [`${wrong}: model has no field layer, did you mean layers?`]),
    refuses('train', train('--config', fast), [`${fast} is for 16000 Hz, but --data ${data} has 7350 Hz`]),
    refuses('train', ['--config', fast, '--out', newRun()], ['--data <folder> is required']),
  ]);
});

test.run();
