import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import wavefile from 'wavefile';
import { rootMeanSquare } from '../../../src/audio/level.ts';
import { decodeWav } from '../../../src/formats/wav.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { temporaryFolder } from '../../audio/helpers.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { WITHOUT_ADAPTER, refuses, runScript, succeeds } from '../program.ts';
import { makeRun } from './run.ts';
import { saveModel } from '../../../src/diffwave/files/model.node.ts';
import { classic } from '../../diffwave/classic.ts';

const test = suite('npm run sample');

/** A folder that is not there yet. */
const newFolder = (): string => join(temporaryFolder(), 'out');

test('two sounds and their spectrograms; the same seed gives the same bytes', async () => {
  const run = await makeRun();
  const out = newFolder();
  const args = ['--run', run.path, '--length', '300', '--seed', '3'];
  const stdout = await succeeds('sample', [...args, '--out', out, '--count', '2']);
  assert.equal(readdirSync(out).sort(),
    [0, 1].flatMap((item) => ['json', 'png', 'wav'].map((kind) => `sample-seed3-${item}.${kind}`)));
  assert.match(stdout, /sample-seed3-0\.wav: 0\.04 s at 7350 Hz, RMS \d\.\d{4}, made in .*, GPU memory at the peak \d/);

  const bytes = (folder: string, item: number) => readFileSync(join(folder, `sample-seed3-${item}.wav`));
  const wav = bytes(out, 0);
  assert.is(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16), 'RIFFWAVEfmt ');
  assert.equal([wav.readUInt16LE(20), wav.readUInt16LE(22)], [1, 1]); // PCM, mono
  assert.equal([wav.readUInt32LE(24), wav.readUInt16LE(34)], [7350, 16]); // Hz, bits
  assert.is(decodeWav(wav, 'sample').samples.length, 300);
  assert.ok(decodeWav(wav, 'sample').samples.some((value) => value !== 0));
  assert.not.equal(bytes(out, 0), bytes(out, 1));
  assert.equal([...readFileSync(join(out, 'sample-seed3-0.png')).subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);

  const raw = newFolder();
  await succeeds('sample', [...args, '--out', raw, '--raw-weights']);
  assert.not.equal(bytes(raw, 0), bytes(out, 0), 'without the flag it is the average of the weights');

  const again = newFolder();
  await succeeds('sample', [...args, '--out', again]);
  assert.equal(bytes(again, 0), bytes(out, 0), 'how many there are, and where, is not in the file');
  await succeeds('sample', ['--run', run.path, '--out', again, '--length', '300', '--seed', '4']);
  assert.not.equal(readFileSync(join(again, 'sample-seed4-0.wav')), bytes(out, 0));
});

test('seconds at the training rate, the posterior\'s variance, the way from noise to sound, and no player', async () => {
  const run = await makeRun();
  const out = newFolder();
  const stdout = await succeeds('sample', [
    '--run', run.path, '--out', out, '--seconds', '0.5', '--variance', 'posterior', '--return-sequence', '--play',
  ]);
  assert.match(stdout, 'nothing here could play');
  const last = decodeWav(readFileSync(join(out, 'sample-seed0-0.wav')), 'last');
  assert.equal([last.samples.length, last.sampleRate], [3675, 7350]);
  const folder = join(out, 'sample-seed0-0');
  assert.equal(readdirSync(folder).sort(), ['sequence.png', 'x-0000.wav', 'x-0001.wav', 'x-0002.wav', 'x-0003.wav']);
  assert.equal(decodeWav(readFileSync(join(folder, 'x-0000.wav')), 'x_0').samples, last.samples);
  const noise = decodeWav(readFileSync(join(folder, 'x-0003.wav')), 'noise').samples;
  // Normals beyond ±1, a third of them, are clipped in a WAV file.
  const clipped = noise.filter((value) => Math.abs(value) > 0.999).length / noise.length;
  assert.ok(Math.abs(clipped - 0.317) <= 0.05, `${clipped} of x_T are beyond full scale`);

  await succeeds('sample', ['--run', run.path, '--out', out, '--seconds', '0.5', '--seed', '1']);
  await succeeds('sample', ['--run', run.path, '--out', out, '--seconds', '0.5', '--seed', '1', '--variance', 'beta']);
  assert.equal(readdirSync(out).filter((name) => name.endsWith('.wav')).length, 2);
});

test('a record beside each sound, and the same in short within it', async () => {
  const run = await makeRun();
  const out = newFolder();
  const args = ['--run', run.path, '--length', '300', '--seed', '5', '--variance', 'posterior'];
  await succeeds('sample', [...args, '--out', out, '--format', 'float', '--normalize']);
  const record = JSON.parse(readFileSync(join(out, 'sample-seed5-0.json'), 'utf8'));
  const { weights, flags, adapter, ...rest } = record;
  assert.equal(flags, { '--run': run.path, '--length': 300, '--seed': 5, '--variance': 'posterior', '--out': out, '--format': 'float', '--normalize': true });
  const sha256 = createHash('sha256').update(readFileSync(run.weightsFile)).digest('hex');
  assert.equal(weights, { file: 'weights.safetensors', sha256, step: 1 });
  assert.is(adapter, (await gpuForTests()).name);

  const wav = new wavefile.WaveFile(readFileSync(join(out, 'sample-seed5-0.wav')));
  const samples = Float32Array.from(wav.getSamples(true, Float64Array));
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(Math.abs(peak - 10 ** (-1 / 20)) <= 1e-6);
  const { normalized: { peakDb, gain }, version, rms, ...sizes } = rest;
  assert.equal(sizes, { seed: 5, index: 0, sampleRate: 7350, format: 'float', samples: 300, seconds: 300 / 7350, peak, clipped: 0 });
  assert.is(peakDb, -1);
  assert.ok(Math.abs(rms - rootMeanSquare(samples)) <= 1e-7);
  assert.equal([wav.getTag('INAM'), wav.getTag('ISFT')], ['sample-seed5-0', `diffwave-webgpu ${version}`]);
  assert.is(
    wav.getTag('ICMT'),
    `seed 5, clip 0; --length 300 --variance posterior --format float --normalize; weights of step 1, SHA-256 ${sha256}`,
  );

  // The gain is the only difference to what comes out without.
  const plain = newFolder();
  await succeeds('sample', [...args, '--out', plain, '--format', 'float']);
  const loud = new wavefile.WaveFile(readFileSync(join(plain, 'sample-seed5-0.wav'))).getSamples(true, Float64Array);
  assert.ok(samples.every((value, i) => Math.abs(value - gain * loud[i]!) <= 1e-6));
});

test('a shaped start is another start, and needs the data\'s spectrum', async () => {
  const run = await makeRun(Float32Array.of(30, 10, 1));
  const out = newFolder();
  const args = (path: string) => ['--run', path, '--out', out, '--length', '300'];
  await succeeds('sample', args(run.path));
  const file = join(out, 'sample-seed0-0.wav');
  const white = readFileSync(file);
  await succeeds('sample', [...args(run.path), '--start', 'shaped']);
  assert.not.equal(readFileSync(file), white);
  assert.is(JSON.parse(readFileSync(join(out, 'sample-seed0-0.json'), 'utf8')).flags['--start'], 'shaped');
  await refuses('sample', [...args((await makeRun()).path), '--start', 'shaped'], ['needs the spectrum of the training data', '--resume adds it']);
});

test('--stdout is the file and nothing else, and everything else goes to standard error', async () => {
  const run = await makeRun();
  const out = newFolder();
  const args = ['--run', run.path, '--length', '300', '--format', '24'];
  const { status, bytes, stderr } = await runScript('sample', [...args, '--stdout']);
  assert.is(status, 0, stderr);
  await succeeds('sample', [...args, '--out', out]);
  assert.equal(Buffer.from(bytes), readFileSync(join(out, 'sample-seed0-0.wav')));
  assert.is(new wavefile.WaveFile(bytes).bitDepth, '24');
  assert.match(stderr, /^standard output: 0\.04 s at 7350 Hz, RMS .*\nnote: .* clipped; .*\n$/);

  const both = newFolder();
  const { bytes: again } = await runScript('sample', [...args, '--stdout', '--out', both, '--play']);
  assert.equal(again, bytes);
  assert.equal(readFileSync(join(both, 'sample-seed0-0.wav')), Buffer.from(bytes));
});

test('what cannot work is refused in one line, and nothing is created', async () => {
  const run = await makeRun();
  const out = newFolder();
  const from = (path: string, ...flags: string[]) => ['--run', path, '--out', out, ...flags];
  const cases: [string[], ...string[]][] = [
    [from(run.path, '--seconds', '1', '--length', '100'), '--seconds and --length'],
    [from(run.path, '--lenght', '100'), 'unknown flag --lenght, did you mean --length?'],
    [from(run.path, '--variance', 'gamma'), '--variance must be beta or posterior'],
    [from(run.path, '--count', '0'), '--count must be at least 1'],
    [['--run', run.path], '--out <folder> is required'],
    [['--run', run.path, '--stdout', '--count', '2'], '--stdout takes one sound, not the 2'],
    [['--run', run.path, '--stdout', '--play'], '--play needs files', '--out'],
    [from(run.path, '--format', '8'), '--format must be 16 or 24 or float'],
    [from(join(run.path, 'nowhere')), 'nowhere', 'no such folder'],
    [from(temporaryFolder()), 'is not a run', 'config.json'],
    [from(temporaryFolder({ 'config.json': '{\n "format"' })), 'config.json', 'not valid JSON'],
    [from(run.path, '--length', '1e12'), 'samples do not fit into one binding', 'at most'],
  ];
  await Promise.all(cases.map(([args, ...texts]) => refuses('sample', args, texts)));
  assert.is(existsSync(out), false);
});

test('weights that are damaged, missing, or of another network are refused by name', async () => {
  const run = await makeRun();
  const out = newFolder();
  const args = ['--run', run.path, '--out', out, '--length', '100'];
  const other = DiffWave.create(await gpuForTests(), classic.model);
  await saveModel(other, run.weightsFile);
  other.destroy();
  await refuses('sample', args, [run.weightsFile, 'another network', 'config.json', `layers is ${classic.model.layers}, not 2`]);
  truncateSync(run.weightsFile, 5000);
  await refuses('sample', args, [run.weightsFile, 'cut off']);
  rmSync(run.weightsFile);
  await refuses('sample', args, [run.weightsFile, 'no such file']);
  assert.is(existsSync(out), false);
});

if (process.platform === 'linux') {
  test('says what to install where there is no adapter', async () => {
    const args = ['--run', (await makeRun()).path, '--out', newFolder()];
    await refuses('sample', args, ['no WebGPU adapter', 'mesa-vulkan-drivers'], { env: WITHOUT_ADAPTER });
    assert.is(existsSync(args[3]!), false);
  });
}

test.run();
