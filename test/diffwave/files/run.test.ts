/** The run folder: what is on the disk, and what happens when it is not what it should be. */
import {
  appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { saveModel } from '../../../src/diffwave/files/model.node.ts';
import { type Checkpoint, RunFolder } from '../../../src/diffwave/files/run.node.ts';
import type { Weights } from '../../../src/diffwave/model/contract.ts';
import { initialWeights } from '../../../src/diffwave/model/weights.ts';
import { UserError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../audio/helpers.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { classic } from '../classic.ts';

const test = suite('run folder');

const model: DiffWaveConfig = {
  ...classic.model, layers: 2, channels: 4, dilationCycle: 2, encodingWidth: 8, embeddingWidth: 8,
};
const RUN = { preset: 'tiny', model, training: classic.training, data: 'music' };

/** The weights and moments that the run of these tests has after so many steps: nothing learned, only different. */
const weightsAt = (step: number): Weights => initialWeights(model, step);
const averageAt = (step: number): Weights => initialWeights(model, 3000 + step);
const stateAt = (step: number): Checkpoint => ({
  step,
  seconds: step / 2,
  m: initialWeights(model, 1000 + step),
  v: initialWeights(model, 2000 + step),
  average: averageAt(step),
});

async function network(seed: number): Promise<DiffWave> {
  return DiffWave.create(await gpuForTests(), model, { seed });
}

/** A new run with a checkpoint for each of these steps, and a log line for each. */
async function runWith(...steps: number[]): Promise<RunFolder> {
  const run = RunFolder.create(join(temporaryFolder(), 'run'), RUN);
  for (const step of steps) {
    run.appendLog({ step, loss: 1 / step, recent: { loss: 1, updates: 1 }, gradientNorm: 0.1, learningRate: 1e-3, seconds: step / 2, stepsPerSecond: 2, eta: 0 });
    const diffwave = await network(step);
    await run.save(diffwave, stateAt(step));
    diffwave.destroy();
  }
  return run;
}

/** What `resume` gives, and the weights that the model then has. */
async function resumed(run: RunFolder): Promise<{ state: Checkpoint; weights: Weights }> {
  const diffwave = await network(99);
  try {
    return { state: RunFolder.open(run.path).resume(diffwave), weights: await diffwave.weights() };
  } finally {
    diffwave.destroy();
  }
}

/** The work must fail with a UserError of one line that has all of these texts in it. */
async function refuses(work: () => unknown, ...texts: string[]): Promise<void> {
  let problem: unknown;
  try {
    await work();
  } catch (error) {
    problem = error;
  }
  assert.instance(problem, UserError);
  const { message } = problem as Error;
  assert.not.match(message, '\n');
  for (const text of texts) assert.ok(message.includes(text), `wanted '${text}' in '${message}'`);
}

test('a new run wants an empty folder, or none', async () => {
  const empty = temporaryFolder();
  assert.is(RunFolder.create(empty, RUN).path, empty);
  await refuses(() => RunFolder.create(empty, RUN), empty, 'already has a run', 'no checkpoint yet', 'delete the folder', '`out`');
  const full = temporaryFolder({ 'song.txt': 'la' });
  await refuses(() => RunFolder.create(full, RUN), full, 'is not empty and is not a run', '`out`');
  assert.equal(readdirSync(full), ['song.txt']);
});

test('what is created is opened again', async () => {
  const run = await runWith();
  assert.equal(RunFolder.open(run.path).config, { format: 1, ...RUN });
});

test('a folder that is not a run, and a configuration that is damaged', async () => {
  const missing = join(temporaryFolder(), 'nowhere');
  await refuses(() => RunFolder.open(missing), missing, 'no such folder');
  await refuses(() => RunFolder.open(temporaryFolder()), 'is not a run', 'config.json');
  for (const [content, ...texts] of [
    ['{\n  "format": 1,\n  "pre', 'config.json', 'not valid JSON'],
    ['null', 'config.json', 'no object'],
    ['{"format": 2}', 'config.json', 'format 2'],
    ['{"format": 1}', 'config.json', 'layers'],
    [JSON.stringify({ format: 1, model }), 'config.json', 'batchSize'],
    [JSON.stringify({ format: 1, ...RUN, model: { ...model, layers: 0 } }), 'config.json', 'layers', 'not 0'],
  ]) await refuses(() => RunFolder.open(temporaryFolder({ 'config.json': content! })), ...texts);
});

test('a checkpoint has the weights, their average, both moments, the step and the time, to the bit', async () => {
  const run = await runWith(3, 12);
  assert.equal(run.checkpoints().map(({ step }) => step), [12, 3]); // by number, not by name
  const { state, weights } = await resumed(run);
  assert.equal(state, stateAt(12));
  assert.equal(weights, weightsAt(12));
  for (const [raw, wanted] of [[false, averageAt(12)], [true, weightsAt(12)]] as const) {
    const latest = await run.load(await gpuForTests(), { raw });
    assert.equal(await latest.weights(), wanted);
    assert.equal(latest.config, model);
    latest.destroy();
  }
});

test('a run without averages has one file of weights, and one of before there was a choice goes on', async () => {
  const { average: _, ...plain } = stateAt(3);
  const run = RunFolder.create(join(temporaryFolder(), 'run'), { ...RUN, training: { ...RUN.training, emaDecay: 0 } });
  const diffwave = await network(3);
  await run.save(diffwave, plain);
  diffwave.destroy();
  assert.equal(readdirSync(run.path).sort(), ['checkpoints', 'config.json', 'weights.safetensors']);
  assert.is(run.rawWeightsFile, run.weightsFile);
  // As it was then: no such fields, no hashes.
  const { emaDecay, learningRateSchedule, timesteps, ...then } = RUN.training;
  writeFileSync(join(run.path, 'config.json'), JSON.stringify({ format: 1, ...RUN, training: then }));
  writeFileSync(join(run.checkpoints()[0]!.path, 'state.json'), '{"step":3,"seconds":1.5}');
  assert.is(RunFolder.open(run.path).config.training.emaDecay, 0);
  assert.equal((await resumed(run)), { state: plain, weights: weightsAt(3) });
});

test('a state that does not fit the training is not saved', async () => {
  const run = await runWith();
  const { average: _, ...plain } = stateAt(3);
  const diffwave = await network(3);
  let problem: unknown;
  await run.save(diffwave, plain).catch((error: unknown) => { problem = error; });
  assert.match(String(problem), /^TypeError: .* wants an average of the weights$/);
  assert.equal(run.checkpoints(), []);
  diffwave.destroy();
});

test('the newest checkpoints stay, and the best', async () => {
  const run = await runWith();
  const diffwave = await network(1);
  const steps = (): number[] => run.checkpoints().map(({ step }) => step);
  for (const step of [2, 4, 6]) await run.save(diffwave, stateAt(step), { keep: 2 });
  assert.equal(steps(), [6, 4]);
  run.markBest({ step: 4, loss: 0.5 });
  assert.equal(run.best, { step: 4, loss: 0.5 });
  for (const step of [8, 10]) await run.save(diffwave, stateAt(step), { keep: 1 });
  assert.equal(steps(), [10, 4]);
  run.markBest({ step: 12, loss: 0.25 });
  await run.save(diffwave, stateAt(12), { keep: 1 });
  assert.equal(steps(), [12]);
  assert.equal(readdirSync(join(run.path, 'checkpoints')), ['step-12']);
  await run.save(diffwave, stateAt(14));
  assert.equal(steps(), [14, 12], 'without a number all stay');
  diffwave.destroy();
});

test('what a crash left behind is put in order: latest weights, temporary files', async () => {
  const run = await runWith(3, 12);
  truncateSync(run.weightsFile, 100);
  rmSync(run.rawWeightsFile);
  const leftovers = [join(run.path, 'log.jsonl.7.tmp'), join(run.path, 'checkpoints', 'step-9.old.tmp')];
  for (const leftover of leftovers) mkdirSync(leftover);
  await resumed(run);
  for (const name of ['weights.safetensors', 'weights-raw.safetensors']) {
    assert.equal(readFileSync(join(run.path, name)), readFileSync(join(run.checkpoints()[0]!.path, name)));
  }
  assert.equal(leftovers.filter(existsSync), []);
  const started = temporaryFolder();
  mkdirSync(join(started, 'config.json.7.tmp')); // a run that was killed before it had a configuration
  assert.is(RunFolder.create(started, RUN).path, started);
});

test('a run is gone on with, not begun anew, and a checkpoint that is saved again replaces itself', async () => {
  const run = await runWith(3);
  await refuses(() => RunFolder.create(run.path, RUN), run.path, 'already has a run', 'go on with `resume`');
  const diffwave = await network(4);
  await run.save(diffwave, stateAt(3));
  diffwave.destroy();
  assert.equal((await resumed(run)).weights, weightsAt(4));
  assert.equal(readdirSync(join(run.path, 'checkpoints')), ['step-3']);
});

test('a run without a checkpoint does not start again by itself', async () => {
  const run = await runWith();
  await refuses(() => resumed(run), run.path, 'no checkpoint');
});

test('what a crash left half-written is no checkpoint', async () => {
  const run = await runWith(3);
  const left = join(run.path, 'checkpoints', 'step-9.tmp');
  mkdirSync(left);
  writeFileSync(join(left, 'state.json'), '{"step":9,"seconds":1}');
  writeFileSync(join(run.path, 'weights.safetensors.123.tmp'), 'half');
  assert.equal(run.checkpoints().map(({ step }) => step), [3]);
  assert.is((await resumed(run)).state.step, 3);
  const diffwave = await network(9);
  await run.save(diffwave, stateAt(9)); // over the leftover
  diffwave.destroy();
  assert.equal((await resumed(run)).state, stateAt(9));
  assert.is(existsSync(left), false);
});

/** Another bit in the last number of a file. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
}

for (const [what, file, damage] of [
  ['truncated weights', 'weights.safetensors', (path: string) => truncateSync(path, 3000)],
  ['truncated optimizer state', 'optimizer.safetensors', (path: string) => truncateSync(path, 5000)],
  ['empty optimizer state', 'optimizer.safetensors', (path: string) => truncateSync(path, 0)],
  ['truncated state', 'state.json', (path: string) => truncateSync(path, 9)],
  ['state that is no object', 'state.json', (path: string) => writeFileSync(path, 'null')],
  ['missing state', 'state.json', (path: string) => rmSync(path)],
  ['missing weights', 'weights.safetensors', (path: string) => rmSync(path)],
  ['another step', 'state.json', (path: string) => writeFileSync(path, '{"step":13,"seconds":6}')],
  ['a step that is no number', 'state.json', (path: string) => writeFileSync(path, '{"step":"12","seconds":6}')],
  ['edited weights', 'weights-raw.safetensors', (path: string) => flip(path)],
  ['edited average', 'weights.safetensors', (path: string) => flip(path)],
  ['edited optimizer state', 'optimizer.safetensors', (path: string) => flip(path)],
] as const) {
  test(`broken checkpoint: ${what}`, async () => {
    const run = await runWith(3, 12);
    const newest = run.checkpoints()[0]!.path;
    damage(join(newest, file));
    const log = readFileSync(run.logFile, 'utf8');
    await refuses(() => resumed(run), newest, file, `delete ${newest} to resume from step 3`);
    assert.is(readFileSync(run.logFile, 'utf8'), log, 'the log is as it was');

    rmSync(newest, { recursive: true });
    assert.equal((await resumed(run)).state, stateAt(3));
    damage(join(run.checkpoints()[0]!.path, file));
    await refuses(() => resumed(run), 'there is no older checkpoint');
  });
}

test('a broken checkpoint leaves the model as it was', async () => {
  const run = await runWith(12);
  truncateSync(join(run.checkpoints()[0]!.path, 'optimizer.safetensors'), 5000);
  const diffwave = await network(99);
  await refuses(() => run.resume(diffwave), 'optimizer.safetensors');
  assert.equal(await diffwave.weights(), weightsAt(99));
  diffwave.destroy();
});

test('weights of another network are not taken for the run\'s own', async () => {
  const gpu = await gpuForTests();
  const run = await runWith(3);
  for (const [other, ...texts] of [
    [{ channels: 8 }, 'channels is 8, not 4'],
    [{ dilationCycle: 1 }, 'dilationCycle is 1, not 2'], // the same shapes, another sound
    [{ prediction: 'v' }, 'prediction is v, not epsilon'],
    [{ schedule: 'cosine' }, 'schedule is cosine, not linear'],
  ] as const) {
    const foreign = DiffWave.create(gpu, { ...model, ...other });
    await saveModel(foreign, run.weightsFile);
    await refuses(() => run.load(gpu), run.weightsFile, 'config.json', ...texts);
    foreign.destroy();
  }
  truncateSync(run.weightsFile, 3000);
  await refuses(() => run.load(gpu), run.weightsFile, 'cut off');
  rmSync(run.weightsFile);
  await refuses(() => run.load(gpu), run.weightsFile, 'no such file');

  const wider = DiffWave.create(gpu, { ...model, channels: 8 });
  await refuses(() => run.resume(wider), 'weights-raw.safetensors', 'input_projection.weight', 'use the preset');
  wider.destroy();
  const slower = DiffWave.create(gpu, { ...model, dilationCycle: 1 });
  await refuses(() => run.resume(slower), 'weights-raw.safetensors', 'dilationCycle is 2, not 1');
  slower.destroy();
});

test('the log loses what comes after the checkpoint, and a line that was cut off; a loss of the GPU is no report', async () => {
  const run = await runWith(3, 12);
  const line = (step: number) => ({ step, loss: 1 / step, gradientNorm: 0.1, learningRate: 1e-3, seconds: step / 2 });
  const loss = (step: number, resumedFrom: number) => ({ step, resumedFrom, reason: 'unknown', seconds: 1 });
  for (const each of [loss(14, 12), loss(15, 13)]) run.logRecovery(each); // the first was on the way to step 12
  run.appendLog({ ...line(15), recent: { loss: 1, updates: 1 }, stepsPerSecond: 2, eta: 0 });
  appendFileSync(run.logFile, '{"step":18,"lo');
  assert.equal(run.readLog(), [line(3), line(12), line(15)]);
  await resumed(run);
  const kept = [line(3), line(12), { event: 'device lost', ...loss(14, 12) }];
  assert.is(readFileSync(run.logFile, 'utf8'), kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
});

test('a run without a log has an empty one', async () => {
  assert.equal((await runWith()).readLog(), []);
});

test.run();
