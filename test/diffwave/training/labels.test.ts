/** Training with labels: what the network is told, how often not, and that it learns of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { conditioningOf } from '../../../src/diffwave/model/conditioning.ts';
import { labelsTold } from '../../../src/diffwave/model/labels.ts';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { BatchSource } from '../../../src/diffwave/training/batches.ts';
import { train } from '../../../src/diffwave/training/loop.ts';
import { Validator } from '../../../src/diffwave/validation/validation.ts';
import { UserError } from '../../../src/errors.ts';
import { gpuForTests } from '../../gpuForTests.ts';
import { config, dataset, training, trial } from '../trial.ts';

const test = suite('training with labels');

const labelConfig = { ...config, conditioner: 'labels', labels: ['noise', 'sine'], labelWidth: 8 } as const;
const labelled = { ...dataset, label: (i: number) => Number(i % 2 === 0) };
const sizes = { B: 2, L: 20, T: 5, seed: 0, conditioning: conditioningOf(labelConfig) };

test('items are told their class, and none in the share that is dropped: a function of seed, step and item', () => {
  const never = new BatchSource(labelled, { ...sizes, labelDropout: 0 });
  const often = new BatchSource(labelled, { ...sizes, labelDropout: 0.3 });
  let dropped = 0;
  for (let step = 0; step < 300; step++) {
    const [all, some] = [never.at(step), often.at(step)];
    assert.equal(all.audio, some.audio);
    for (let item = 0; item < 2; item++) {
      const row = (of: Float32Array) => [...of.subarray(3 * item, 3 * item + 3)];
      const told = row(all.condition!);
      assert.is(told[2], 0);
      assert.is(told[0]! + told[1]!, 1);
      const isDropped = row(some.condition!)[2] === 1;
      assert.equal(row(some.condition!), isDropped ? [0, 0, 1] : told);
      dropped += Number(isDropped);
    }
  }
  assert.ok(Math.abs(dropped / 600 - 0.3) < 0.06, `${dropped} of 600`);
  assert.equal(new BatchSource(labelled, { ...sizes, labelDropout: 0.3 }).at(7).condition, often.at(7).condition);
  assert.is(new BatchSource(labelled, { ...sizes, conditioning: undefined }).at(0).condition, undefined);
});

test('data without labels are refused where the network has some', async () => {
  const model = DiffWave.create(await gpuForTests(), labelConfig);
  const { problem } = await trial({ steps: 1 }, model);
  assert.ok(problem instanceof UserError && /^the network has labels, and its data have none/.test(problem.message));
});

test('a run that is gone on with is the run that was not interrupted, in parts as well', async () => {
  const create = async () => DiffWave.create(await gpuForTests(), labelConfig, { seed: 5 });
  for (const parts of [null, 2]) {
    const options = { dataset: labelled, training: { ...training, parts } };
    const whole = await trial({ ...options, steps: 4 }, await create());
    const half = await trial({ ...options, steps: 2 }, await create());
    assert.is(half.problem, undefined);
    const model = await create();
    model.parameters.write(model.parameters.values, half.weights);
    const rest = await trial({ ...options, steps: 4, resume: { ...half.saved.at(-1)!, seconds: 0 } }, model);
    assert.equal(rest.weights, whole.weights);
    assert.ok(whole.weights.get('label_embedding.weight')!.some((value, i) => value !== half.weights.get('label_embedding.weight')![i]));
  }
});

test('it learns: being told the class helps, and validation says how much for each', async () => {
  const model = DiffWave.create(await gpuForTests(), labelConfig, { seed: 5 });
  await train(model, { dataset: labelled, training: { ...training, learningRate: 5e-3, batchSize: 4, emaDecay: 0 }, steps: 150 });
  const validator = await Validator.create({ model, training: labelled, validation: labelled, L: 61, seed: 0 });
  const { classes, bins, loss } = await validator.evaluate(150);
  assert.is(validator.items.length, 2 * 2 * 8 * bins.length, 'as many crops of each class, told and not told');
  assert.equal(classes!.map(({ label }) => label), [0, 1]);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean(classes!.map((each) => each.loss)) - loss) < 1e-6, 'the loss is that of what is told');
  const told = mean(classes!.map((each) => each.loss));
  const untold = mean(classes!.map((each) => each.untold!));
  assert.ok(told < 0.97 * untold, `told ${told}, not told ${untold}`);
  validator.destroy();
  assert.equal(labelsTold(labelConfig, { labels: { sine: 1 } }).numbers.length, 3);
  model.destroy();
});

test.run();
