/** The noise schedule in a run folder: runs of before there was a choice, and lists of β. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DiffWaveConfig } from '../../../src/diffwave/model/config.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { RunFolder } from '../../../src/diffwave/files/run.node.ts';
import { UserError } from '../../../src/errors.ts';
import { temporaryFolder } from '../../audio/helpers.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { tinyConfig } from '../tiny.ts';
import { saveModel } from '../../../src/diffwave/files/model.node.ts';
import { classic } from '../classic.ts';

const test = suite('schedule of a run');

function newRun(model: DiffWaveConfig): RunFolder {
  const path = join(temporaryFolder(), 'run');
  RunFolder.create(path, { preset: 'tiny', model, training: classic.training, data: 'music' });
  return RunFolder.open(path);
}

test('a list of β belongs to the network, and is compared by its numbers', async () => {
  const gpu = await gpuForTests();
  const listed = (betas: number[]): DiffWaveConfig => ({ ...tinyConfig, schedule: 'list', betas, diffusionSteps: betas.length });
  const run = newRun(listed([0.1, 0.2, 0.3]));
  const save = async (betas: number[]): Promise<void> => {
    const model = DiffWave.create(gpu, listed(betas));
    await saveModel(model, run.weightsFile);
    model.destroy();
  };
  await save([0.1, 0.2, 0.3]);
  const loaded = await run.load(gpu);
  assert.equal(loaded.config, listed([0.1, 0.2, 0.3]));
  loaded.destroy();
  await save([0.1, 0.2, 0.4]);
  const problem = await run.load(gpu).catch((error: unknown) => error);
  assert.instance(problem, UserError);
  assert.match((problem as Error).message, `${run.weightsFile} is of another network than the run's config.json: its betas are others`);
});

test('a run of before there was a choice is linear and predicts ε', async () => {
  const run = newRun(tinyConfig);
  const file = join(run.path, 'config.json');
  const { model: { schedule, betas, zeroTerminalSnr, prediction, ...old }, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal([schedule, betas, zeroTerminalSnr, prediction], ['linear', null, false, 'epsilon']);
  writeFileSync(file, JSON.stringify({ ...rest, model: old }));
  assert.equal(RunFolder.open(run.path).config.model, tinyConfig);

  const model = DiffWave.create(await gpuForTests(), tinyConfig);
  await saveModel(model, run.weightsFile);
  model.destroy();
  (await RunFolder.open(run.path).load(await gpuForTests())).destroy();
});

test.run();
