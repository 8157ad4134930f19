/** What a training run tells about itself while it runs, and goes on telling after a resume. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pagedLine } from '../../../scripts/lib/report/lines.ts';
import { splitLine } from '../../../scripts/lib/train/monitor.ts';
import { validationLine, validationTable } from '../../../scripts/lib/train/validationReport.ts';
import { prepareDataset } from '../../../src/dataset/dataset.node.ts';
import { readValidations, savedSamples } from '../../../src/diffwave/files/journal.node.ts';
import { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { noise, sine, temporaryFolder } from '../../audio/helpers.ts';
import { readRecords } from '../../diffwave/files/events.ts';
import { refuses, succeeds } from '../program.ts';

const test = suite('monitor');

test('validation, samples, TensorBoard and the best checkpoint, and again after a resume', async () => {
  const second = 22050; // samples of the files
  const music = temporaryFolder({
    'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: second }),
    'b.wav': noise(second),
    'c.wav': noise(second, 2),
  });
  const data = join(temporaryFolder(), 'set');
  await prepareDataset({ source: music, out: data, seconds: 1, splits: 2 });
  const run = join(temporaryFolder(), 'run');
  const stdout = await succeeds('train', [
    '--data', data, '--out', run, '--preset', 'tiny', '--batch-size', '2', '--crop-samples', '256', '--diffusion-steps', '4',
    '--print-every', '2', '--save-every', '2', '--validate-every', '2', '--sample-every', '3', '--steps', '5',
  ]);
  assert.match(stdout, /^held out {2}1 track for validation: [abc]\.wav$/m);
  assert.is(stdout.match(/^validation loss \d\.\d{4} · better than Wiener in \d of 4 bins$/gm)?.length, 3);
  assert.match(stdout, `sample ${join(run, 'samples', 'step-3.wav')}\n`);
  assert.match(stdout, /^ *t +loss +Wiener +zero +than Wiener\n(0–0|1–1|2–2|3–3)( +\d\.\d{5}){3} +(better|not yet)$/m);

  assert.equal(readValidations(run).map(({ step }) => step), [2, 4, 5]);
  assert.equal(savedSamples(run).map(({ step }) => step), [3]);
  const folder = RunFolder.open(run);
  assert.is(folder.config.validationTracks, 1);
  const lowest = Math.min(...readValidations(run).map(({ loss }) => loss));
  assert.is(folder.best?.loss, lowest);

  const resume = ['--data', data, '--out', run, '--resume', '--steps', '6', '--validate-every', '2'];
  await refuses('train', [...resume, '--validation-tracks', '2'], ['--validation-tracks 2 contradicts the run']);
  const again = await succeeds('train', resume);
  assert.is(/^held out.*$/m.exec(again)![0], /^held out.*$/m.exec(stdout)![0], 'the same track');
  assert.equal(readValidations(run).map(({ step }) => step), [2, 4, 5, 6]);
  const events = readdirSync(run).filter((name) => name.startsWith('events.out.tfevents.'));
  assert.is(events.length, 2);
  for (const name of events) assert.ok(readRecords(readFileSync(join(run, name))).length > 1);
});

test('a validation in words', () => {
  const validation = {
    step: 10,
    loss: 0.08123,
    bins: [{ from: 0, to: 9, loss: 0.3, wiener: 0.25, zero: 1 }, { from: 10, to: 49, loss: 0.001, wiener: 0.0123, zero: 1 }],
  };
  assert.is(validationLine(validation), 'validation loss 0.0812 · better than Wiener in 1 of 2 bins');
  assert.is(validationTable(validation), [
    '    t     loss   Wiener     zero  than Wiener',
    '  0–9  0.30000  0.25000  1.00000      not yet',
    '10–49  0.00100  0.01230  1.00000       better',
  ].join('\n'));
});

test('updates that are too slow for memory that is there, in words: half of it is suggested', () => {
  assert.is(pagedLine(8.25, { total: 3 * 2 ** 30 }),
    'note: an update takes 8.3 s, slower than it would be on any GPU that has its 3.0 GiB in memory: some of it was probably moved ' +
    'out, as Windows and macOS do; if so, stop and go on with --resume --memory-limit 1536MiB, or end what else uses the GPU');
});

test('which tracks are kept back, in words', () => {
  const training = { clipCount: 1, clipSamples: 1, clip: () => new Float32Array(1) };
  assert.is(splitLine({ training, tracks: 0, files: [], note: 'no validation: why' }), 'held out  no validation: why');
  assert.is(splitLine({ training, tracks: 0, files: [] }), 'held out  no track: there is no validation');
  assert.is(splitLine({ training, tracks: 1, files: ['two\nlines.wav'] }), 'held out  1 track for validation: two lines.wav');
  assert.is(splitLine({ training, tracks: 5, files: ['a', 'b', 'c', 'd', 'e'] }), 'held out  5 tracks for validation: a, b, c and 2 more');
});

test.run();
