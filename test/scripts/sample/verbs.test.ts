/** `sample` on sounds that are there, and its share of a job that many machines do together. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeWav, encodeWav } from '../../../src/formats/wav.ts';
import { sine, temporaryFolder } from '../../audio/helpers.ts';
import { refuses, succeeds } from '../program.ts';
import { makeRun } from './run.ts';

const test = suite('npm run sample on sounds');

const sampleRate = 7350;
const newFolder = (): string => join(temporaryFolder(), 'out');
const soundOf = (folder: string, name: string) => decodeWav(readFileSync(join(folder, `${name}.wav`)), name);

/** A file of 800 samples at the network's own rate. */
function toneFile(hertz = 440): string {
  const samples = sine({ hertz, sampleRate, samples: 800 });
  return join(temporaryFolder({ 'tone.wav': encodeWav(samples, { sampleRate, format: 'float' }) }), 'tone.wav');
}

test('a gap is filled between samples that stay as they are; a continuation begins with them', async () => {
  const [run, tone, out] = [await makeRun(), toneFile(), newFolder()];
  const args = ['--run', run.path, '--out', out, '--format', 'float'];
  await succeeds('sample', [...args, '--inpaint', tone, '--from', '0.04', '--to', '0.08', '--resamplings', '2', '--jump', '1']);
  const known = decodeWav(readFileSync(tone), tone).samples;
  const { samples: repaired } = soundOf(out, 'inpainting-seed0-0');
  assert.is(repaired.length, 800);
  assert.equal(repaired.slice(0, 294), known.slice(0, 294));
  assert.equal(repaired.slice(588), known.slice(588));
  assert.not.equal(repaired.slice(294, 588), known.slice(294, 588));

  await succeeds('sample', [...args, '--continue', tone, '--length', '100', '--resamplings', '1']);
  const { samples: longer } = soundOf(out, 'continuation-seed0-0');
  assert.equal([longer.length, longer.slice(0, 800)], [900, known]);
});

test('variations, a mixture of two files, and removal of noise are named after what they are', async () => {
  const [run, out] = [await makeRun(), newFolder()];
  const args = ['--run', run.path, '--out', out];
  await succeeds('sample', [...args, '--variation-of', toneFile(), '--strength', '0.7', '--count', '2']);
  await succeeds('sample', [...args, '--between', toneFile(), toneFile(880), '--mix', '0.5', '--sampler', 'ddim']);
  await succeeds('sample', [...args, '--denoise', toneFile(), '--strength', '0.4', '--sampler', 'dpm++']);
  assert.equal(readdirSync(out).filter((name) => name.endsWith('.wav')).sort(),
    ['between-seed0-0.wav', 'denoised-seed0-0.wav', 'variation-seed0-0.wav', 'variation-seed0-1.wav']);
});

test('a share of the work is the same as its part of the whole: --index', async () => {
  const [run, whole, share] = [await makeRun(), newFolder(), newFolder()];
  const args = ['--run', run.path, '--length', '300', '--seed', '2'];
  await succeeds('sample', [...args, '--out', whole, '--count', '4']);
  await succeeds('sample', [...args, '--out', share, '--index', '2', '--count', '2', '--tile-samples', '64']);
  const names = readdirSync(share).filter((name) => name.endsWith('.wav'));
  assert.equal(names.sort(), ['sample-seed2-2.wav', 'sample-seed2-3.wav']);
  for (const name of names) assert.equal(readFileSync(join(share, name)), readFileSync(join(whole, name)), name);
});

test('what cannot be is said in one line', async () => {
  const run = await makeRun();
  const args = ['--run', run.path, '--out', newFolder()];
  await refuses('sample', [...args, '--inpaint', toneFile(), '--from', '0', '--to', '5'], ['--to 5 lies behind the end']);
  await refuses('sample', [...args, '--denoise', toneFile(), '--sampler', 'ddpm'], ['no noise', 'to remove']);
  await refuses('sample', [...args, '--index', '4294967295', '--count', '2'], ['--index 4294967295 and --count 2 go beyond sample 4294967295', '--seed']);
  await refuses('sample', [...args, '--index', '4294967296'], ['--index must be at least 0 and at most 4294967295']);
  if (process.platform !== 'win32') await refuses('sample', [...args, '--denoise', '/dev/zero'], ['/dev/zero is a device, wanted a file (a sound file)']);
  await refuses('sample', [...args, '--sequence-every', '2'], ['--sequence-every has a meaning only with --return-sequence']);
});

test.run();
