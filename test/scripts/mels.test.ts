/** A vocoder from the command line: `train --preset diffwave-vocoder`, `sample --mel` and `--like`, and what is refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MelSpectrogram } from '../../src/audio/melSpectrogram.ts';
import { melBy } from '../../scripts/lib/sample/spectrogram.ts';
import type { SpectrogramFlags } from '../../scripts/lib/sample/spectrogram.ts';
import type { DiffWaveConfig } from '../../src/diffwave/model/config.ts';
import { PRESETS } from '../../src/diffwave/presets.ts';
import { UserError } from '../../src/errors.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('spectrograms as a command');

const second = 22050;
const sound = sine({ hertz: 440, sampleRate: second, samples: second });
const music = temporaryFolder({ 'a.wav': noise(second, 1), 'b.wav': sound, 'c.wav': noise(second, 3), 'short.wav': sound.slice(0, 1000) });
const small = [
  '--preset', 'diffwave-vocoder', '--layers', '2', '--channels', '4', '--mel-bands', '8', '--hop-samples', '64', '--crop-samples', '256',
  '--batch-size', '2', '--diffusion-steps', '4', '--validation-tracks', '1', '--print-every', '1',
];
const run = join(temporaryFolder(), 'run');
const files = temporaryFolder();

/** A .npy file of float32 zeros and ones. */
function npy(name: string, shape: readonly number[], value = 0.5): string {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`.padEnd(117) + '\n';
  const numbers = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value);
  const path = join(files, name);
  writeFileSync(path, Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([1, 0, 118, 0]), Buffer.from(header), Buffer.from(numbers.buffer)]));
  return path;
}

/** Samples of the WAV that was made. */
function samplesOf(folder: string): Float32Array {
  const bytes = readFileSync(join(folder, 'sample-seed0-0.wav'));
  const start = bytes.indexOf('data') + 8;
  return new Float32Array(new Uint8Array(bytes.subarray(start, start + bytes.readUInt32LE(start - 4))).buffer);
}

test('a vocoder is trained, validated and listened to on the way, and keeps what its spectrograms are', async () => {
  const said = await succeeds('train', ['--data', music, '--out', run, ...small, '--steps', '2', '--sample-every', '2', '--validate-every', '2']);
  assert.match(said, /^sample .*2\.wav$/m);
  assert.match(said, /^validation/m);
  assert.match(said, /^listen with: .* --like <sound\.wav> --out samples$/m);
  const { metadata } = readSafetensors(readFileSync(join(run, 'weights.safetensors')), 'weights');
  const { conditioner, melBands, hopSamples } = JSON.parse(metadata.config!);
  assert.equal([conditioner, melBands, hopSamples], ['mel', 8, 64]);
});

test('the sound is as long as the spectrogram says, and that of a sound is the spectrogram of it', async () => {
  let said = '';
  const make = async (name: string, ...flags: string[]): Promise<Float32Array> => {
    const out = join(files, name);
    said = await succeeds('sample', ['--run', run, '--out', out, '--format', 'float', ...flags]);
    return samplesOf(out);
  };
  const flat = await make('flat', '--mel', npy('flat.npy', [8, 30]));
  assert.is(flat.length, 30 * 64);
  assert.match(said, /^note: .*flat\.npy does not say its hop and rate: its 30 frames are taken as 64 samples apart at 22050 Hz, which makes 0\.09 s$/m);
  assert.equal(await make('batched', '--mel', npy('batched.npy', [1, 8, 30])), flat);
  const like = await make('like', '--like', join(music, 'short.wav'));
  assert.is(like.length, 15 * 64);
  assert.not.match(said, /does not say its hop/);
  // The same by way of a file: what 16 bits have of the sound.
  const samples = sound.slice(0, 1000).map((value) => Math.round(value * 32767) / 32767);
  const values = new MelSpectrogram({ sampleRate: second, hopSamples: 64, melBands: 8 }).of(samples, { first: 0, count: 15 });
  const path = npy('like.npy', [8, 15]);
  const bytes = readFileSync(path);
  values.forEach((value, i) => bytes.writeFloatLE(value, bytes.length - 4 * 8 * 15 + 4 * ((i % 8) * 15 + Math.floor(i / 8))));
  writeFileSync(path, bytes);
  const byMel = await make('byMel', '--mel', path);
  const largest = (of: Float32Array): number => of.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(largest(byMel.map((value, i) => value - like[i]!)) < 0.01 * largest(like));
});

test('what cannot be is said in a line', async () => {
  const sampling = ['--run', run, '--out', 'nowhere'];
  for (const [flags, text] of [
    [[], 'give it one with --mel <npy>, or a sound with --like <wav>'],
    [['--mel', npy('bands.npy', [80, 3])], 'the spectrogram has 80 bands, and this network wants 8'],
    [['--mel', npy('x.npy', [8, 3]), '--seconds', '2'], '--seconds has no meaning with a spectrogram'],
    [['--mel', npy('x.npy', [8, 3]), '--label', 'jazz'], 'has no labels'],
  ] as const) await refuses('sample', [...sampling, ...flags], [text]);
  await refuses('evaluate', ['--run', run], ['make some with sample --like, and give them as --samples']);
  const training = (...flags: string[]) => ['--data', music, '--out', 'nowhere', '--preset', 'diffwave-vocoder', '--batch-size', '2', '--steps', '1', ...flags];
  await refuses('train', training('--layers', '2', '--channels', '4', '--hop-samples', '37'), ['hopSamples must be a product of two whole numbers from 2', 'got 37: the nearest are 36 and 38']);
  await refuses('train', training('--layers', '2', '--channels', '4', '--crop-samples', '250'), ['a multiple of 256 samples, its hop, not 250']);
});

test('files that are no spectrogram, and networks that want none, are refused by name', () => {
  const config = { ...PRESETS['diffwave-vocoder'].model, melBands: 8 };
  const refused = (flags: SpectrogramFlags, of: DiffWaveConfig = config): string => {
    try {
      melBy(flags, { config: of, load: () => { throw new Error('not read'); } });
    } catch (error) {
      if (error instanceof UserError) return error.message;
      throw error;
    }
    return 'accepted';
  };
  const flags = (mel?: string, like?: string): SpectrogramFlags => ({ mel, like });
  assert.match(refused(flags(npy('axes.npy', [2, 8, 3]))), /axes\.npy has the shape \(2, 8, 3\), wanted \(bands, frames\)/);
  assert.match(refused(flags(npy('turned.npy', [30, 8]))), /turned\.npy has the shape \(30, 8\), wanted \(bands, frames\) with this network's 8 bands: .* save its transpose/);
  assert.match(refused(flags(npy('dB.npy', [8, 3], -11.5))), /-11\.5 in frame 0, band 0: values go from 0 \(-100 dB\) to 1 \(0 dB\)/);
  assert.match(refused(flags(join(music, 'a.wav'))), /a\.wav is not a NumPy file/);
  assert.match(refused(flags(join(music, 'nowhere.npy'))), /nowhere\.npy/);
  assert.match(refused(flags(npy('x.npy', [8, 3]), 'a.wav')), /give one of them/);
  assert.match(refused(flags(npy('x.npy', [8, 3])), PRESETS.tiny.model), /^--mel is for a network that makes sound out of spectrograms/);
  assert.match(refused(flags(undefined, 'a.wav'), PRESETS.tiny.model), /^--like is for a network that makes sound out of spectrograms/);
  assert.is(melBy(flags(), { config: PRESETS.tiny.model, load: () => { throw new Error('not read'); } }), undefined);
  assert.is(refused(flags(npy('x.npy', [8, 3]))), 'accepted');
});

test.run();
