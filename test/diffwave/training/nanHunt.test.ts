/** The way to a NaN, walked a second time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClipSource } from '../../../src/diffwave/data/clips.ts';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { NotFiniteError, explainNotFinite, findNonFinite } from '../../../src/diffwave/training/nanHunt.ts';
import { snapshotOf } from '../../../src/diffwave/training/snapshot.ts';
import { Trainer } from '../../../src/diffwave/training/trainer.ts';
import { UserError } from '../../../src/errors.ts';
import { noise } from '../../audio/helpers.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { tinyConfig } from '../tiny.ts';
import { classic } from '../classic.ts';

const test = suite('nanHunt');

const L = 61;
const config = { ...tinyConfig, layers: 2 };

/** A trainer and its batches, of which the one of update `brokenUpdate` has an infinite sample. */
async function trial({ brokenUpdate = Infinity, brokenSample = 3, training: changes = {}, model: modelChanges = {} } = {}) {
  const clips: ClipSource = { clipCount: 4, clipSamples: L, clip: (i) => noise(L, i) };
  const training = { ...classic.training, batchSize: 2, cropSamples: L, learningRate: 1e-3, ...changes };
  const model = DiffWave.create(await gpuForTests(), { ...config, ...modelChanges }, { seed: 5 });
  const trainer = await Trainer.create({ model, training, L });
  const batches = new BatchSource(clips, { ...training, B: 2, L, T: config.diffusionSteps });
  const at = batches.at.bind(batches);
  batches.at = (step) => {
    const batch = at(step);
    if (step + 1 === brokenUpdate) batch.audio[brokenSample] = Infinity;
    return batch;
  };
  const from = await snapshotOf(trainer);
  const run = (updates: number) => {
    while (trainer.step < updates) trainer.update(batches.at(trainer.step));
  };
  return { model, trainer, batches, from, run, destroy: () => { trainer.destroy(); model.destroy(); } };
}

test('finds the update and the dispatch, and does not blame what came later', async () => {
  const { trainer, batches, from, run, destroy } = await trial({ brokenUpdate: 21 });
  run(40);
  const origin = await findNonFinite(trainer, { from, batches, until: 40 });
  assert.is(origin?.update, 21);
  assert.match(origin!.kernel, /^diffuse/); // where audio is first used
  assert.match(origin!.tensor, /\(2, 61\)$/);
  destroy();
});

test('of a batch in parts every part is looked through: here the sample is in the second one', async () => {
  const { trainer, batches, from, destroy } = await trial({ brokenUpdate: 3, brokenSample: L + 3, training: { parts: 2 } });
  while (trainer.step < 5) await trainer.update(batches.at(trainer.step));
  const origin = await findNonFinite(trainer, { from, batches, until: 5 });
  assert.is(origin?.update, 3);
  assert.match(origin!.kernel, /^diffuse/);
  assert.match(origin!.tensor, /\(1, 61\)$/);
  destroy();
});

test('v-prediction at zero terminal SNR is walked as well, and its steps are finite', async () => {
  const model = { prediction: 'v', zeroTerminalSnr: true, schedule: 'cosine' };
  const { trainer, batches, from, run, destroy } = await trial({ brokenUpdate: 21, model, training: { minSnr: 5 } });
  run(40);
  assert.is(await findNonFinite(trainer, { from, batches, until: 20 }), undefined);
  const origin = await findNonFinite(trainer, { from, batches, until: 40 });
  assert.is(origin?.update, 21);
  assert.match(origin!.kernel, /^diffuse.*VELOCITY=1/);
  destroy();
});

test('a NaN among the weights is found where they are first used', async () => {
  const { model, trainer, batches, destroy } = await trial();
  const weights = await model.weights();
  weights.get('input_projection.weight')!.fill(NaN);
  model.parameters.write(model.parameters.values, weights);
  const from = await snapshotOf(trainer);
  trainer.update(batches.at(0));
  const origin = await findNonFinite(trainer, { from, batches, until: 1 });
  assert.is(origin?.update, 1);
  assert.match(origin!.tensor, /\(2, 61, \d+\)/);
  destroy();
});

test('a healthy run has no origin', async () => {
  const { trainer, batches, from, run, destroy } = await trial();
  run(5);
  assert.is(await findNonFinite(trainer, { from, batches, until: 5 }), undefined);
  destroy();
});

test('what the user is told', async () => {
  const { trainer, batches, from, run, destroy } = await trial({ brokenUpdate: 2 });
  run(3);
  const seen = new NotFiniteError('the loss became NaN');
  const first = await explainNotFinite(seen, { trainer, batches, from });
  assert.instance(first, UserError);
  assert.match(first.message,
    /^the loss became NaN; it first appeared in update 2, where \S+( \[[^\]]*\])? wrote '[^']+ \([\d, ]+\)': there is no checkpoint to go back to: start again and use a lower `learningRate`$/);

  trainer.restore({ ...from, step: 7 });
  const unknown = await explainNotFinite(seen, { trainer, batches, from: { ...from, step: 7 }, saved: 6 });
  assert.is(unknown.message, 'the loss became NaN: go back to the checkpoint of step 6 and use a lower `learningRate`');
  destroy();
});

test.run();
