import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDataset } from '../../src/dataset/dataset.node.ts';
import { sine, temporaryFolder } from '../audio/helpers.ts';

const test = suite('npm run dataset');

const root = fileURLToPath(new URL('../../', import.meta.url));
const tone = sine({ hertz: 440, sampleRate: 22050, samples: 22050 });
const SMALL = ['--sample-rate', '7350', '--seconds', '1', '--splits', '2'];

function run(...args: string[]) {
  // No folder of programs: whatever player this machine has must not be heard in a test.
  const env = { ...process.env, PATH: '' };
  const command = ['--import', 'tsx', 'scripts/diffwave.ts', 'dataset', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** The command must end with 1 and one line on stderr. */
function refused(message: RegExp, ...args: string[]) {
  const { status, stdout, stderr } = run(...args);
  assert.is(status, 1);
  assert.match(stderr, message);
  assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
  return stdout;
}

test('prepares a folder with a bad file among good ones, plays, and uses the data set again', () => {
  const source = temporaryFolder({ 'a.wav': tone, 'b.wav': tone, 'lyrics.wav': 'la la la' });
  const out = join(temporaryFolder(), 'set');
  const first = run(source, '--out', out, ...SMALL, '--play', '2');
  assert.equal([first.status, first.stderr], [0, '']);
  assert.match(first.stdout, 'left out: lyrics.wav is not a WAV file: it is text, beginning with "la la la"');
  assert.match(first.stdout, 'files    2 used, 1 left out');
  assert.match(first.stdout, 'clips    4 of 1225 samples (0.50 s) at 2450 Hz');
  assert.match(first.stdout, 'length   2.0 s altogether');
  assert.match(first.stdout, /RMS 0\.35\d\d/); // a sine of amplitude 0.5: 0.5/√2
  assert.match(first.stdout, /clip 0: a\.wav from 0\.0 s: .*\nnothing here could play/);
  assert.match(first.stdout, /clip 2: b\.wav from 0\.0 s: /);
  assert.match(first.stdout, `next: npm run train -- --data ${out} --out <run>`);
  assert.is(loadDataset(out).clipCount, 4);

  const second = run(source, '--out', out, ...SMALL);
  assert.is(second.status, 0);
  assert.match(second.stdout, `${out} is up to date and is used again`);
  assert.match(second.stdout, 'left out: lyrics.wav');

  const third = run(source, '--out', out, ...SMALL, '--downsample', '1');
  assert.is(third.status, 0);
  assert.match(third.stdout, 'again: downsample was 3 and is now 1');
});

test('a preset says how, flags say what is different', () => {
  const source = temporaryFolder({ 'a.wav': tone });
  const prepared = (...flags: string[]) => {
    const out = join(temporaryFolder(), 'set');
    const { status, stdout, stderr } = run(source, '--out', out, ...flags);
    assert.equal([status, stderr], [0, '']);
    return { stdout, out, options: loadDataset(out).manifest.options };
  };
  const { stdout, out } = prepared('--preset', 'diffwave-sc09');
  assert.match(stdout, 'clips    1 of 16000 samples (1.00 s) at 16000 Hz');
  assert.match(stdout, `next: npm run train -- --data ${out} --preset diffwave-sc09 --out <run>`);
  const quarters = { sampleRate: 16000, seconds: null, downsample: 1, clipSeconds: 0.25 };
  assert.equal(prepared('--preset', 'diffwave-sc09', '--clip-seconds', '0.25').options, quarters);
  assert.equal(prepared('--preset', 'diffwave-sc09', '--sample-rate', '8000').options, { ...quarters, sampleRate: 8000, clipSeconds: 1 });
  assert.equal(prepared('--clip-seconds', '0.5').options, { sampleRate: 22050, seconds: null, downsample: 3, clipSeconds: 0.5 });
  assert.equal(prepared('--seconds', '1').options, { sampleRate: 22050, seconds: 1, downsample: 3, splits: 6 });
});

test('what cannot work is refused in one line', () => {
  const folder = temporaryFolder({
    'good/a.wav': tone,
    'bad/a.wav': 'no music',
    'bad/b.wav': '',
    'empty/notes.txt': '',
  });
  const out = join(temporaryFolder(), 'set');
  const at = (name: string) => join(folder, name);
  refused(/There is no folder .*missing/, at('missing'), '--out', out);
  refused(/There is no sound file \(.*\) in .*empty/, at('empty'), '--out', out);
  refused(/b\.wav is not a WAV file: it is empty/, at('bad'), '--out', out);
  refused(/--splitz/, at('good'), '--out', out, '--splitz', '3');
  refused(/--out/, at('good'));
  refused(/folder/, '--out', out);
  refused(/divided by 4 is not a whole number/, at('good'), '--out', out, '--downsample', '4');
  refused(/splits and clips of 1 s both say/, at('good'), '--out', out, '--splits', '2', '--clip-seconds', '1');
  refused(/say how many seconds of each file/, at('good'), '--out', out, '--preset', 'diffwave-base', '--splits', '2');
  refused(/no preset "jazz"/, at('good'), '--out', out, '--preset', 'jazz');
  refused(/is not empty/, at('good'), '--out', at('empty'));
});

test.run();
