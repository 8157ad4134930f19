import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../src/dataset/dataset.node.ts';
import * as diffwave from '../src/index.node.ts';
import * as tape from '../src/tape.ts';
import { sine, temporaryFolder } from './audio/helpers.ts';

const test = suite('index');

const index = new URL('../src/index.node.ts', import.meta.url);

test('the public names', () => {
  assert.equal(Object.keys(diffwave).sort(), [
    'Dataset', 'DeviceLostError', 'DiffWave', 'Gpu', 'Model', 'Mpi', 'PRESETS', 'RunFolder', 'UserError', 'Validator', 'Yardstick', 'alone',
    'between', 'configFor', 'continuation', 'denoise', 'firstHeard', 'inpaint', 'labelled', 'labelsOfFolders', 'labelsOfTable', 'labelsTold', 'launchOf',
    'loadDataset', 'loadModel', 'lowPass', 'melSpectrogramOf', 'melTold', 'noiseSchedule', 'openGpu', 'predictNoise', 'prepareDataset', 'presetNamed',
    'providePlatform', 'readNpy', 'readSafetensors', 'sample', 'samplingMemory', 'saveModel', 'scheduleOf', 'train', 'useTuned', 'variation',
    'writeSafetensors',
  ]);
});

test('the tape has every operation', () => {
  const stems = readdirSync(new URL('../src/ops/', import.meta.url)).map((file) => file.replace('.ts', ''));
  const internal = ['contraction', 'matrix', 'lanes', 'packing', 'reduce', 'reverse', 'window']; // parts of operations, or of sampling
  assert.equal(stems.filter((stem) => !internal.includes(stem) && !(stem in tape)), []);
  for (const name of ['Tape', 'planTape', 'Executable', 'Parameters', 'checkCase', 'expectedByDifferences']) assert.ok(name in tape, name);
});

test('the example of the documentation runs as it stands', () => {
  const [documentation] = readFileSync(index, 'utf8').split('*/');
  const code = [...documentation!.matchAll(/^ \*     (.*)$/gm)].map(([, line]) => line).join('\n');
  assert.match(code, "from 'diffwave-webgpu'");
  const folder = temporaryFolder({ 'example.mts': code.replace("'diffwave-webgpu'", JSON.stringify(index.href)) });
  const command = ['--import', import.meta.resolve('tsx'), 'example.mts'];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  assert.match(stdout, /^\d\.\d+ Float32Array\(1000\) \[[^]*\] 7350\n$/);
  assert.not.match(stdout, 'NaN');
  assert.equal(readdirSync(folder).sort(), ['example.mts', 'sines.safetensors']);
});

test('loadDataset gives the clips that were prepared, or says what is wrong', async () => {
  const source = temporaryFolder({ 'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 22050 }) });
  const out = join(temporaryFolder(), 'set');
  await prepareDataset({ source, out, seconds: 1, splits: 2 });
  const dataset = diffwave.loadDataset(out);
  assert.equal([dataset.clipCount, dataset.clipSamples, dataset.sampleRate], [2, 3675, 7350]);
  assert.is(dataset.clip(1).length, 3675);

  assert.throws(() => diffwave.loadDataset(source), (error: unknown) =>
    error instanceof diffwave.UserError && /is not a prepared data set/.test(error.message));
});

test.run();
