/** A training whose GPU is lost, as the user sees it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../../src/dataset/dataset.node.ts';
import { readValidations } from '../../src/diffwave/files/journal.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { succeeds } from './program.ts';

const test = suite('device loss in npm run train');

const SMALL = [
  '--preset', 'tiny', '--batch-size', '2', '--crop-samples', '256', '--diffusion-steps', '4', '--print-every', '1', '--learning-rate-schedule', 'constant',
];

const second = 22050; // samples of the files
const data = join(temporaryFolder(), 'set');
await prepareDataset({
  source: temporaryFolder({ 'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: second }), 'b.wav': noise(second) }),
  out: data,
  seconds: 1,
  splits: 2,
});

test('a lost GPU: the run goes on from the last snapshot, says so once, and ends with the same weights and log', async () => {
  const settings = [...SMALL, '--validation-tracks', '1', '--validate-every', '3', '--sample-every', '4'];
  const arguments_ = (run: string) => ['--data', data, '--out', run, ...settings, '--save-every', '100', '--steps', '9'];
  const run = join(temporaryFolder(), 'run');
  const stdout = await succeeds('train', [...arguments_(run), '--snapshot-every', '3'], { loseGpuAt: '5,8' });
  const straight = join(temporaryFolder(), 'run');
  const expected = await succeeds('train', arguments_(straight));

  for (const file of ['weights.safetensors', 'weights-raw.safetensors', join('checkpoints', 'step-9', 'optimizer.safetensors')]) {
    assert.equal(readFileSync(join(run, file)), readFileSync(join(straight, file)), file);
  }
  const lines = readFileSync(join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  const events = lines.filter(({ event }) => event !== undefined);
  assert.equal(events.map(({ event, resumedFrom }) => [event, resumedFrom]), [['device lost', 3], ['device lost', 6]]);
  for (const { step, reason, seconds } of events) {
    assert.ok(step > 4 && step <= 9 && seconds > 0);
    assert.match(reason, /^destroyed/);
  }
  const numbers = (folder: string) => RunFolder.open(folder).readLog().map(({ step, loss }) => ({ step, loss }));
  assert.equal(numbers(run), numbers(straight));
  assert.equal(readValidations(run), readValidations(straight));

  assert.is(stdout.match(/^the GPU was lost after \d updates \(destroyed[^\n]*\): going on from step [36] on a new device$/gm)?.length, 2);
  const told = (text: string, what: RegExp) => text.match(what)!.map((line) => line.replaceAll(run, straight).replace(/ · \S+ steps.*/, ''));
  for (const what of [/^step .*$/gm, /^validation .*$/gm, /^sample .*$/gm, /^saved .*$/gm]) assert.equal(told(stdout, what), told(expected, what));

  // A resume reads such a log, and goes on keeping what it tells.
  await succeeds('train', ['--data', data, '--out', run, '--resume', '--steps', '10']);
  const resumed = readFileSync(join(run, 'log.jsonl'), 'utf8').split('\n');
  assert.equal(resumed.slice(0, lines.length).map((line) => JSON.parse(line)), lines);
});

test.run();
