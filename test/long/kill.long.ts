/**
 * Processes that are killed again and again, at random moments of preparing data, training, validating, saving and sampling. After
 * every kill each file is there as a whole or not at all, and in the end all is as if nothing had happened.
 *
 * `KILLS=1000 SEED=5 npm run test:long -- kill` kills more often than usual, at other moments.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset, loadDataset } from '../../src/dataset/dataset.node.ts';
import { readValidations, savedSamples } from '../../src/diffwave/files/journal.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { UserError } from '../../src/errors.ts';
import { decodeWav } from '../../src/formats/wav.ts';
import { uniform } from '../../src/random.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { runScript, succeeds } from '../scripts/program.ts';
import type { RunOptions } from '../scripts/program.ts';
import { makeRun } from '../scripts/sample/run.ts';

const test = suite('killed');

/** Of all; a tenth of them while data are prepared, and as many while sounds are made. */
const kills = Number(process.env.KILLS ?? 50);
const [ofDataset, ofSample] = [Math.ceil(kills / 10), Math.ceil(kills / 10)];
const ofTraining = kills - ofDataset - ofSample;
const seed = Number(process.env.SEED ?? 4); // of the moments

/** A number below `below`; `n` is the kill. */
const draw = (n: number, below: number, stream = 0): number => below * uniform({ seed, stream, step: n, item: 0, index: 0 });

const leftovers = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.tmp') || name === 'lock.json');

/** Runs a command that is killed, or ends by itself if it was faster than that; never with a fault. */
async function killed(name: string, args: readonly string[], kill: RunOptions['kill'], n: number): Promise<boolean> {
  const { status, stderr } = await runScript(name, args, { kill });
  assert.ok(stderr === '' && (status === null || status === 0), `kill ${n}: status ${status}, ${stderr}`);
  return status === null;
}

/** How long a command takes, of which a moment is drawn. */
async function durationOf(name: string, args: readonly string[]): Promise<number> {
  const start = performance.now();
  await succeeds(name, args);
  return performance.now() - start;
}

/** Every file of every checkpoint is what its state says. */
function expectWhole(run: string): void {
  for (const { path, step } of RunFolder.open(run).checkpoints()) {
    const state = JSON.parse(readFileSync(join(path, 'state.json'), 'utf8'));
    assert.is(state.step, step);
    for (const [name, sha256] of Object.entries(state.sha256)) {
      assert.is(createHash('sha256').update(readFileSync(join(path, name))).digest('hex'), sha256, join(path, name));
    }
  }
  const steps = RunFolder.open(run).readLog().map(({ step }) => step);
  assert.equal(steps, [...new Set(steps)].sort((a, b) => a - b));
  readValidations(run);
  for (const { wav } of savedSamples(run)) assert.ok(decodeWav(readFileSync(wav), wav).samples.length > 0);
}

// Windows has no signals between processes.
if (process.platform !== 'win32') {
  test(`training: ${ofTraining} times SIGKILL, and the same weights`, async () => {
    const music = temporaryFolder({
      'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 22050 }),
      'b.wav': noise(22050),
    });
    const data = join(temporaryFolder(), 'set');
    await prepareDataset({ source: music, out: data, seconds: 1, splits: 2 });
    const settings = [
      '--data', data, '--preset', 'tiny', '--batch-size', '2', '--crop-samples', '64', '--diffusion-steps', '4', '--learning-rate-schedule', 'constant',
      '--clip-norm', '0.5', '--weight-decay', '0.01', '--timesteps', 'stratified', '--gain-db', '6',
    ];
    const often = ['--print-every', '1', '--save-every', '1', '--validate-every', '3', '--sample-every', '9', '--keep', '2', '--steps', '100000'];
    const run = join(temporaryFolder(), 'run');
    const reached = new Set<number>();
    /** What every kill must leave: nothing, or a run that goes on. */
    const isResumable = (): boolean => existsSync(join(run, 'config.json')) && RunFolder.open(run).checkpoints().length > 0;

    for (let n = 0; n < ofTraining; n++) {
      const resumable = isResumable();
      if (!resumable) rmSync(run, { recursive: true, force: true }); // killed before its first checkpoint
      // Every third at any time from the start of the process on; the others while it trains, validates and saves, half of them after
      // one more checkpoint, however slow the machine is.
      const kill = n % 3 === 0 ? { milliseconds: draw(n, 3000) } : { after: n % 3 === 1 ? 'saved step ' : '\nstep ', milliseconds: draw(n, 1000) };
      assert.ok(await killed('train', [...settings, ...often, '--out', run, ...(resumable ? ['--resume'] : [])], kill, n), `kill ${n} found nobody`);
      if (!isResumable()) continue;
      expectWhole(run);
      reached.add(RunFolder.open(run).checkpoints()[0]!.step);
    }
    assert.ok(reached.size > ofTraining / 5, `the run was at ${reached.size} different steps when it was killed`);

    const steps = String(RunFolder.open(run).checkpoints()[0]!.step + 3);
    await succeeds('train', [...settings, '--validate-every', '3', '--out', run, '--resume', '--steps', steps]);
    const straight = join(temporaryFolder(), 'straight');
    await succeeds('train', [...settings, '--validate-every', '3', '--out', straight, '--steps', steps]);
    const checkpoint = join('checkpoints', `step-${steps}`);
    for (const file of ['weights.safetensors', 'weights-raw.safetensors', join(checkpoint, 'optimizer.safetensors')]) {
      assert.ok(readFileSync(join(run, file)).equals(readFileSync(join(straight, file))), file);
    }
    assert.equal([...leftovers(run), ...leftovers(join(run, 'checkpoints'))], []);
    console.log(`  ${ofTraining} kills of train: ${reached.size} different steps, up to ${steps}`);
  });

  test(`preparing data: ${ofDataset} times SIGKILL, and the old data set, the new one, or none`, async () => {
    const music = temporaryFolder(Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`${i}.wav`, noise(5 * 22050, i)])));
    const options = (splits: number): string[] => ['--seconds', '5', '--splits', String(splits)];
    const straight = [2, 3].map((splits) => ({ splits, out: join(temporaryFolder(), 'set') }));
    let duration = 0;
    for (const { splits, out } of straight) duration = await durationOf('dataset', [music, '--out', out, ...options(splits)]);
    const contentOf = (folder: string): string => ['manifest.json', 'clips.f32'].map((name) => createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')).join();
    const wanted = straight.map(({ out }) => contentOf(out));

    const out = join(temporaryFolder(), 'set');
    const found = { whole: 0, none: 0 };
    for (let n = 0; n < ofDataset; n++) {
      await killed('dataset', [music, '--out', out, ...options(straight[n % 2]!.splits)], { milliseconds: draw(n, duration, 1) }, n);
      try {
        loadDataset(out);
        assert.ok(wanted.includes(contentOf(out)), `kill ${n} left another data set`);
        found.whole++;
      } catch (error) {
        assert.instance(error, UserError);
        found.none++;
      }
    }
    await succeeds('dataset', [music, '--out', out, ...options(2)]);
    assert.is(contentOf(out), wanted[0]);
    assert.equal(leftovers(out), []);
    console.log(`  ${ofDataset} kills of dataset: ${found.whole} left a whole data set, ${found.none} none`);
  });

  test(`sampling: ${ofSample} times SIGKILL, and every file is whole or not there`, async () => {
    const run = (await makeRun()).path;
    const args = (out: string): string[] => ['--run', run, '--out', out, '--length', '3000', '--count', '12', '--seed', '5', '--return-sequence'];
    const straight = temporaryFolder();
    const duration = await durationOf('sample', args(straight));
    const filesOf = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(wav|png|json)$/.test(name)).sort();
    // The record says where its sound was written to.
    const contentOf = (folder: string, name: string): string => readFileSync(join(folder, name), 'latin1').replaceAll(folder, '');
    let partly = 0;
    for (let n = 0; n < ofSample; n++) {
      const out = temporaryFolder();
      await killed('sample', args(out), { milliseconds: draw(n, duration, 2) }, n);
      const files = filesOf(out);
      for (const name of files) assert.is(contentOf(out, name), contentOf(straight, name), `kill ${n}: ${name}`);
      if (files.length > 0 && files.length < filesOf(straight).length) partly++;
      if (n > 0) continue;
      await succeeds('sample', args(out));
      assert.equal(filesOf(out), filesOf(straight));
    }
    console.log(`  ${ofSample} kills of sample: ${partly} in the middle of its files`);
  });
}

test.run();
