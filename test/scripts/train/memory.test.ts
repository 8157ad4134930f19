/** npm run train with less memory than it would like. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBytes } from '../../../scripts/lib/train/memory.ts';
import { prepareDataset } from '../../../src/dataset/dataset.node.ts';
import { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { noise, temporaryFolder } from '../../audio/helpers.ts';
import { succeeds } from '../program.ts';

const test = suite('--memory-limit');

const data = join(temporaryFolder(), 'set');
const second = 22050; // samples of the file
await prepareDataset({ source: temporaryFolder({ 'a.wav': noise(second) }), out: data, seconds: 1, splits: 2 });

test('sizes as people write them', () => {
  assert.equal(['1500', '2GiB', '500MB', '1.5 kib', '3 b'].map(parseBytes), [1500, 2 ** 31, 5e8, 1536, 3]);
  for (const wrong of ['', 'GiB', '-1MB', '2 gigs', '0', '1e3']) {
    assert.throws(() => parseBytes(wrong), /--memory-limit must be a size such as 2GiB or 500MB/);
  }
});

test('a memory limit makes the step smaller, and stays with the run', async () => {
  const run = join(temporaryFolder(), 'run');
  const start = ['--data', data, '--out', run, '--preset', 'tiny', '--batch-size', '2', '--validation-tracks', '0'];
  const first = await succeeds('train', [...start, '--steps', '1', '--memory-limit', '9MiB']);
  assert.match(first, /^plan      .*the batch in 2 parts of 1, activations computed again for the gradients/m);
  const second = await succeeds('train', [...start, '--steps', '2', '--resume']);
  assert.match(second, /^plan      .*the batch in 2 parts of 1, activations computed again/m);

  const cropped = join(temporaryFolder(), 'run');
  const shorter = ['--data', data, '--out', cropped, '--preset', 'tiny', '--batch-size', '2', '--validation-tracks', '0'];
  const said = await succeeds('train', [...shorter, '--steps', '1', '--memory-limit', '6MiB']);
  assert.match(said, /^cropped   to \d+ samples instead of 2048, so that the step fits$/m);
  const { cropSamples } = RunFolder.open(cropped).config.training;
  assert.ok(cropSamples! > 256 && cropSamples! < 2048, String(cropSamples));
  assert.ok(said.includes(`batch 2 × ${cropSamples} samples`));
});

test.run();
