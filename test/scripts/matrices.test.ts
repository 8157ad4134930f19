/** `--precision matrix` and `--matrices` on an adapter that has no subgroup matrices, as hardly any has. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { decodeWav } from '../../src/formats/wav.ts';
import { noise, temporaryFolder } from '../audio/helpers.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('matrices');

test('trains in mixed precision instead and says why, goes on, and samples in float32', async () => {
  const music = temporaryFolder({ 'a.wav': noise(22050), 'b.wav': noise(22050, 1) });
  const run = join(temporaryFolder(), 'run');
  const flags = ['--data', music, '--out', run, '--preset', 'tiny', '--layers', '1', '--channels', '8', '--batch-size', '2', '--crop-samples', '64'];
  const stdout = await succeeds('train', [...flags, '--steps', '1', '--precision', 'matrix']);
  assert.match(stdout, /^matrices {2}it has no subgroup matrices$/m);
  assert.match(stdout, /^precision mixed instead of matrix: this adapter \(.*\) cannot do it: it has no subgroup matrices$/m);
  assert.is(RunFolder.open(run).config.training.precision, 'matrix');
  await refuses('train', [...flags, '--steps', '2', '--resume', '--precision', 'float32'], ['--precision']);
  assert.match(await succeeds('train', ['--data', music, '--out', run, '--steps', '2', '--resume']), /^precision mixed instead of matrix: /m);

  const sampled = await Promise.all([['--precision', 'matrix'], []].map(async (precision) => {
    const out = join(temporaryFolder(), 'samples');
    const said = await succeeds('sample', ['--run', run, '--length', '64', '--out', out, ...precision]);
    const [wav] = readdirSync(out).filter((file) => file.endsWith('.wav'));
    return { said, sound: decodeWav(readFileSync(join(out, wav!)), wav!) };
  }));
  assert.match(sampled[0]!.said, /^note: precision float32 instead of matrix: this adapter /m);
  assert.not.match(sampled[1]!.said, /matrix/);
  assert.equal(sampled[0]!.sound, sampled[1]!.sound);
});

test('verify says that there are none, info too', async () => {
  await refuses('verify', ['--matrices', 'relu'], ['--matrices: this adapter (', 'cannot do it: it has no subgroup matrices']);
  assert.match(await succeeds('info', ['--matrices']), /^matrices {2}it has no subgroup matrices$/m);
  assert.not.match(await succeeds('info', []), /matrices/);
});

test.run();
