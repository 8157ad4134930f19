/** `train` as several ranks, with every MPI library of this machine: the same files as one process makes, and what goes wrong. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../../src/dataset/dataset.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import type { MpiLauncher } from '../mpi.ts';
import { launchers, runRanks } from '../mpi.ts';
import { CACHES, refuses, succeeds } from './program.ts';
import { processesOf, rankOf } from './processes.ts';

const test = suite('ranks as a command');

const second = 22050;
async function dataset(seed: number): Promise<string> {
  const out = join(temporaryFolder(), 'set');
  const source = temporaryFolder({ 'a.wav': sine({ hertz: 440, sampleRate: second, samples: second }), 'b.wav': noise(second, seed), 'c.wav': noise(second, seed + 1) });
  await prepareDataset({ source, out, seconds: 1, splits: 3 });
  return out;
}
const data = await dataset(1);
const newRun = (): string => join(temporaryFolder(), 'run');

/** Five parts: no number of ranks but 1 and 5 divides them. */
const SMALL = [
  '--preset', 'tiny', '--layers', '2', '--channels', '4', '--diffusion-steps', '4', '--crop-samples', '64', '--batch-size', '5',
  '--learning-rate-schedule', 'constant', // one that ends with the last update would be another for fewer of them
  '--print-every', '1', '--save-every', '2', '--validate-every', '2',
];
/** Open MPI's mpirun does not read what ranks print while it ends them: who prints much would wait for it. */
const QUIET = [...SMALL.slice(0, -6), '--print-every', '1000', '--save-every', '1000', '--validate-every', '1000'];
const trainArgs = (run: string, ...more: string[]): string[] => ['--data', data, '--out', run, ...SMALL, ...more];
const resumeArgs = (run: string, ...more: string[]): string[] => ['--data', data, '--out', run, '--resume', '--print-every', '1', '--save-every', '2', ...more];

const env = { ...CACHES };
function runTrain(launcher: MpiLauncher, ranks: number, args: readonly string[], options: Parameters<typeof runRanks>[3] = {}) {
  return runRanks(launcher, ranks, ['scripts/diffwave.ts', 'train', ...args], { env, ...options });
}

/** Lines on stderr that are ours. */
const own = (stderr: string): string[] => stderr.split('\n').filter((line) => line.startsWith('train: '));

/** All that must be the same: every checkpoint's weights and optimizer, and the log but for its times. */
function filesOf(run: string): Record<string, string> {
  const checkpoints = RunFolder.open(run).checkpoints().map(({ path, step }) =>
    [`step ${step}`, JSON.stringify(JSON.parse(readFileSync(join(path, 'state.json'), 'utf8')).sha256)]);
  const log = RunFolder.open(run).readLog().map(({ step, loss, gradientNorm }) => [`log ${step}`, `${loss} ${gradientNorm}`]);
  const weights = ['weights.safetensors', 'weights-raw.safetensors'].map((name) => [name, readFileSync(join(run, name)).toString('base64')]);
  return Object.fromEntries([...checkpoints, ...log, ...weights]);
}

const one = newRun();
await succeeds('train', trainArgs(one, '--steps', '4', '--parts', '5'));
const wanted = filesOf(one);

test('a process that is alone does not ask for MPI, and its parts are recorded', () => {
  assert.is(RunFolder.open(one).config.training.parts, 5);
  assert.equal(Object.keys(wanted).filter((name) => name.startsWith('step')), ['step 4', 'step 2']);
});

const made = join(temporaryFolder(), 'one');
const sampleArgs = (out: string, ...more: string[]): string[] => ['--run', one, '--out', out, '--seconds', '0.1', '--seed', '3', '--count', '5', ...more];
const soundsOf = (folder: string) => Object.fromEntries(readdirSync(folder).filter((name) => name.endsWith('.wav')).sort()
  .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]));

test('five sounds of one process', async () => {
  await succeeds('sample', sampleArgs(made));
  assert.is(Object.keys(soundsOf(made)).length, 5);
});

test('parts are of one size', () =>
  refuses('train', trainArgs(newRun(), '--parts', '2'), ['--batch-size 5 must be a multiple of --parts 2']));

test('asked for two ranks without a library: one line that says what to install', () =>
  refuses('train', trainArgs(newRun()), ['mpirun started 2 processes, but no library of Open MPI was found', 'openmpi-bin or mpich'], {
    env: { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '2', DIFFWAVE_MPI: '/nonexistent/libmpi.so' },
  }));

for (const launcher of launchers) {
  for (const ranks of launcher.name === 'MPICH' ? [2, 3] : [2, 3, 4]) {
    test(`${launcher.name}: ${ranks} ranks write byte for byte what one process writes`, async () => {
      const run = newRun();
      const { status, stdout, stderr } = await runTrain(launcher, ranks, trainArgs(run, '--steps', '4'));
      assert.is(status, 0, stderr);
      assert.equal(own(stderr), []);
      assert.equal(filesOf(run), wanted);
      assert.is(RunFolder.open(run).config.training.parts, 5, 'one for each clip');
      assert.match(stdout, new RegExp(`^ranks     ${ranks} share the 5 parts of a batch, ${Math.ceil(5 / ranks)} at most each`, 'm'));
      assert.match(stdout, /^step 4 of 4 .* \d+ % waiting for other ranks$/m);
      assert.is(stdout.match(/^validation loss/gm)?.length, 2, 'one of them speaks');
      assert.is(readdirSync(run).filter((name) => name.startsWith('events.')).length, 1, 'one of them writes');
      assert.not.ok(existsSync(join(run, 'lock.json')));
    });
  }

  test(`${launcher.name}: three ranks share five sounds, which are those of one process`, async () => {
    const out = join(temporaryFolder(), 'three');
    const { status, stdout, stderr } = await runRanks(launcher, 3, ['scripts/diffwave.ts', 'sample', ...sampleArgs(out)], { env });
    assert.is(status, 0, stderr);
    assert.match(stdout, /^ranks     3 share 5 clips; 3 on this machine share /m);
    assert.equal(soundsOf(out), soundsOf(made));

    const clip = join(temporaryFolder(), 'clip');
    const alone = await runRanks(launcher, 2, ['scripts/diffwave.ts', 'sample', ...sampleArgs(clip, '--tile-samples', '100').map((word) => (word === '5' ? '1' : word))], { env });
    assert.match(alone.stdout, /^ranks     2 share the samples of the clip; /m);
    assert.equal(Object.values(soundsOf(clip)), Object.values(soundsOf(made)).slice(0, 1));
  });

  test(`${launcher.name}: begun by two, gone on with by three, and by one alone`, async () => {
    const run = newRun();
    await runTrain(launcher, 2, trainArgs(run, '--steps', '2'));
    const { status, stderr } = await runTrain(launcher, 3, resumeArgs(run, '--steps', '3'));
    assert.is(status, 0, stderr);
    await succeeds('train', resumeArgs(run, '--steps', '4'));
    const { 'step 3': between, ...files } = filesOf(run);
    assert.ok(between);
    assert.equal(files, wanted);
  });

  test(`${launcher.name}: a rank that differs is refused, in one line that says in what`, async () => {
    const other = await dataset(7);
    for (const [last, what] of [
      [trainArgs('RUN', '--steps', '2', '--learning-rate', '0.5'), /^train: rank 1 has another flags, training than rank 0/],
      [['--data', other, ...trainArgs('RUN', '--steps', '2').slice(2)], /^train: rank 1 has another flags, network, data than rank 0/], // the network's scale is found in them
    ] as const) {
      const run = newRun();
      const program = ['scripts/diffwave.ts', 'train', ...last.map((word) => (word === 'RUN' ? run : word))];
      const { status, stderr } = await runTrain(launcher, 2, trainArgs(run, '--steps', '2'), { last: program });
      assert.ok(status !== 0);
      assert.is(own(stderr).length, 1, stderr);
      assert.match(own(stderr)[0]!, what);
      assert.not.ok(existsSync(run));
    }
  });

  test(`${launcher.name}: Ctrl-C once saves and ends all of them, and the run goes on`, async () => {
    const run = newRun();
    const interfere = (id: number) => process.kill(id, 'SIGINT');
    const args = ['--data', data, '--out', run, ...QUIET, '--steps', '100000'];
    const { stdout } = await runTrain(launcher, 3, args, { at: 'step 1 of', interfere, secondsForTheEnd: 15 });
    const { step } = RunFolder.open(run).checkpoints()[0]!;
    assert.match(stdout, new RegExp(`^saved step ${step} in`, 'm'));
    assert.match(stdout, /^go on with: /m);
    assert.equal(processesOf(run), []);
    assert.not.ok(existsSync(join(run, 'lock.json')));
    assert.match(await succeeds('train', resumeArgs(run, '--steps', String(step + 1))), new RegExp(`^resumed   at step ${step}$`, 'm'));
  });

  test(`${launcher.name}: a rank that is killed ends the others within ten seconds, in one line`, async () => {
    const run = newRun();
    const interfere = () => process.kill(processesOf(run).find((id) => rankOf(id) === 1)!, 'SIGKILL');
    const { status, stderr, endedAfter } = await runTrain(launcher, 3, trainArgs(run, '--steps', '100000'), { at: 'saved step 2 ', interfere });
    assert.ok(status !== 0);
    assert.ok(endedAfter! < 10_000, `${endedAfter} ms`);
    assert.ok(own(stderr).length <= 1, stderr); // MPICH may have ended the others before they could say anything
    for (const line of own(stderr)) assert.match(line, /^train: rank 1 \(process \d+ on .+\) has ended, and the others end with it; .* --resume$/);
    assert.equal(processesOf(run), []);
    const { step } = RunFolder.open(run).checkpoints()[0]!;
    await succeeds('train', resumeArgs(run, '--steps', String(step + 1)));
  });

  test(`${launcher.name}: the GPU of one rank is lost: all end, one line says why, and the run goes on to the same bits`, async () => {
    const run = newRun();
    // Of rank 0, which writes the log: it destroys its device when step 3 gets its line.
    const lost = { env: { ...env, LOSE_GPU_AT: '3', NODE_OPTIONS: `--import ${new URL('loseGpu.mjs', import.meta.url).href}` } };
    const { status, stderr } = await runTrain(launcher, 2, trainArgs(run, '--steps', '4'), lost);
    assert.ok(status !== 0);
    const [lines, others] = [true, false].map((ofLoss) => own(stderr).filter((line) => line.includes('GPU was lost') === ofLoss));
    assert.is(lines!.length, 1, stderr);
    assert.match(lines![0]!, /^train: rank 0: the GPU was lost \(destroyed.*\): go on from the checkpoint of step 2 with .*resume/);
    // The other rank may see it gone before the launcher ends both.
    assert.ok(others!.length <= 1, stderr);
    for (const line of others!) assert.match(line, /^train: rank 0 \(process \d+ on .+\) has ended, and the others end with it/);
    assert.equal(processesOf(run), []);
    const { status: again, stderr: said } = await runTrain(launcher, 3, resumeArgs(run, '--steps', '4'));
    assert.is(again, 0, said);
    assert.equal(filesOf(run), wanted);
  });
}

test.run();
