/** Ranks that train together, within one process: to the bit what one rank makes of the same parts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../src/errors.ts';
import type { DiffWave } from '../../../src/diffwave/model/model.ts';
import type { TrainingConfig } from '../../../src/diffwave/training/config.ts';
import type { TrainOptions } from '../../../src/diffwave/training/loop.ts';
import type { Checkpoint } from '../../../src/diffwave/files/run.node.ts';
import { alone } from '../../../src/ranks.ts';
import { assertClose, largest } from '../../close.ts';
import { ranksTogether } from '../../ranks.ts';
import { tinyModel } from '../tiny.ts';
import { training as usual, trial } from '../trial.ts';

const test = suite('ranks');

const training: TrainingConfig = { ...usual, batchSize: 5, parts: 5, clipNorm: 0.05, minSnr: 5, emaDecay: 0.9 };

/** What every rank of `size` reports, saves, and has at the end. */
function trials(size: number, options: Partial<TrainOptions> & { steps: number }, models?: readonly DiffWave[]) {
  return Promise.all((size === 1 ? [alone] : ranksTogether(size)).map(async (ranks, i) =>
    trial({ training, ranks, printEvery: 1, ...options }, models?.[i] ?? await tinyModel())));
}

const bitsOf = (values: ReadonlyMap<string, Float32Array>) => Object.fromEntries([...values].map(([name, { buffer }]) => [name, new Uint32Array(buffer)]));

test('1, 2, 3, 4 and 6 ranks: the same weights, moments and figures, to the bit', async () => {
  const [one] = await trials(1, { steps: 3 });
  const figures = (run: typeof one) => run!.reports.map(({ step, loss, gradientNorm }) => ({ step, loss, gradientNorm }));
  assert.is(one!.problem, undefined);
  assert.is(one!.saved.length, 1);
  for (const size of [2, 3, 4, 6]) {
    for (const run of await trials(size, { steps: 3 })) {
      assert.is(run.problem, undefined);
      assert.equal(bitsOf(run.weights), bitsOf(one!.weights), `${size} ranks`);
      for (const state of ['m', 'v', 'average'] as const) assert.equal(bitsOf(run.saved[0]![state]!), bitsOf(one!.saved[0]![state]!), state);
      assert.equal(figures(run), figures(one));
      assert.ok(run.last!.waiting! >= 0 && run.last!.waiting! <= 1);
    }
  }
});

test('the parts add up to what one program makes of the batch, to rounding', async () => {
  for (const parts of [1, 5]) {
    const [run] = await trials(1, { steps: 2, training: { ...training, parts } });
    const [whole] = await trials(1, { steps: 2, training: { ...training, parts: null } });
    assert.is(run!.last!.waiting, undefined);
    for (const [name, values] of whole!.saved[0]!.m) {
      assertClose(run!.saved[0]!.m.get(name)!, values, { atol: 1e-4 * largest(values), what: `${parts} parts, m of ${name}` });
    }
    run!.reports.forEach(({ loss }, i) => assert.ok(Math.abs(loss - whole!.reports[i]!.loss) <= 1e-5 * loss));
  }
});

test('goes on with another number of ranks to the same bits', async () => {
  const [through] = await trials(1, { steps: 4 });
  const resumed = async (size: number, from: Checkpoint, weights: ReadonlyMap<string, Float32Array>) => {
    const models = await Promise.all(Array.from({ length: size }, async () => {
      const model = await tinyModel();
      model.parameters.write(model.parameters.values, weights);
      return model;
    }));
    return trials(size, { steps: 4, resume: from }, models);
  };
  for (const [before, after] of [[3, 2], [2, 1], [1, 4]] as const) {
    const [half] = await trials(before, { steps: 2 });
    for (const run of await resumed(after, half!.saved[0]!, half!.weights)) {
      assert.equal(bitsOf(run.weights), bitsOf(through!.weights), `${before} ranks, then ${after}`);
    }
  }
});

test('one that is asked to stop stops all of them after the same step', async () => {
  const runs = await Promise.all(ranksTogether(3).map(async (ranks) => {
    const controller = new AbortController();
    const onUpdate = ({ step }: { step: number }) => { if (ranks.rank === 2 && step === 2) controller.abort(); };
    return trial({ training, ranks, steps: 50, printEvery: 1, signal: controller.signal, onUpdate }, await tinyModel());
  }));
  assert.equal(runs.map(({ saved }) => saved.map(({ step }) => step)), [[3], [3], [3]]);
});

test('a NaN ends all of them at the same step with the same words', async () => {
  const runs = await trials(2, { steps: 40, training: { ...training, learningRate: 1e30 } });
  assert.instance(runs[0]!.problem, UserError);
  assert.match(String(runs[0]!.problem), /became .*it first appeared in update 2, where \S+.* wrote '.+': there is no checkpoint to go back to: start again and use a lower `learningRate`/);
  assert.equal(runs[1]!.problem, runs[0]!.problem);
});

test('several ranks want parts', async () => {
  const [run] = await trials(2, { steps: 1, training: { ...training, parts: null } });
  assert.match(String(run!.problem), /several ranks need `parts` to share/);
});

test.run();
