/** A GPU that is lost in the middle of a training, on purpose: the run goes on, and nothing shows in its weights. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { sample } from '../../../src/diffwave/sampling/sampling.ts';
import type { Trainer } from '../../../src/diffwave/training/trainer.ts';
import type { Recovery, TrainOptions } from '../../../src/diffwave/training/loop.ts';
import { Validator } from '../../../src/diffwave/validation/validation.ts';
import { withWeights } from '../../../src/diffwave/model/withWeights.ts';
import { UserError } from '../../../src/errors.ts';
import type { Gpu } from '../../../src/gpu/device/gpu.ts';
import { naiveSettings } from '../../../src/gpu/device/variant.ts';
import { ownGpu } from '../../gpuForTests.ts';
import { config, dataset, training, trial } from '../trial.ts';

const test = suite('device loss');

const steps = 20;
const often = { steps, printEvery: 3, saveEvery: 8, snapshotEvery: 5 };

/**
 * A trial on a GPU of its own, which `prepare` may tamper with; the options get the model, whose GPU they lose. Its kernels
 * are the naive ones: every new device compiles them all, and these take the least time.
 */
async function lossyTrial(options: (model: DiffWave) => Partial<TrainOptions>, prepare: (gpu: Gpu) => void = () => {}) {
  const gpu = await ownGpu();
  gpu.variant = naiveSettings;
  prepare(gpu);
  const model = DiffWave.create(gpu, config, { seed: 5 });
  const recoveries: Recovery[] = [];
  const result = await trial({
    ...often,
    onRecovery: (_, recovery) => recoveries.push(recovery),
    ...options(model),
  }, model);
  gpu.close();
  return { ...result, recoveries };
}

/** An `onUpdate` that loses the GPU, once each, after the updates `at`. */
function losingAfter({ gpu }: DiffWave, ...at: number[]): (trainer: Trainer) => void {
  const left = [...at];
  return ({ step }) => {
    if (left[0] !== step) return;
    left.shift();
    gpu.device.destroy();
  };
}

const undisturbed = lossyTrial(() => ({}));

type Outcome = Pick<Awaited<ReturnType<typeof lossyTrial>>, 'weights' | 'saved' | 'reports' | 'last' | 'problem'>;

/** Weights, optimizer, what was saved when and what was reported are those of an undisturbed run. */
async function assertNothingShows({ weights, saved, reports, last, problem }: Outcome) {
  const wanted = await undisturbed;
  if (problem) throw problem;
  assert.equal(weights, wanted.weights);
  const withoutSeconds = (states: typeof saved) => states.map(({ seconds, ...state }) => state);
  assert.equal(withoutSeconds(saved), withoutSeconds(wanted.saved));
  assert.ok(wanted.saved.at(-1)!.average, 'the average is among what is compared');
  const numbers = (all: typeof reports) => all.map(({ step, loss, learningRate }) => ({ step, loss, learningRate }));
  assert.equal(numbers(reports), numbers(wanted.reports));
  assert.is(last?.step, steps);
  assert.ok(reports.every(({ seconds }, i) => seconds > (reports[i - 1]?.seconds ?? 0)), 'the clock goes on');
}

test('lost six times: before the first snapshot, between a report and a snapshot, after a save, at the end', async () => {
  const at = [1, 7, 9, 14, 16, 20];
  const told: number[] = [];
  const result = await lossyTrial((model) => {
    const losing = losingAfter(model, ...at);
    return { onUpdate: (trainer) => (told.push(trainer.step), losing(trainer)) };
  });
  await assertNothingShows(result);
  assert.equal(result.recoveries.map(({ step }) => step), at);
  assert.equal(result.recoveries.map(({ resumedFrom }) => resumedFrom), [0, 5, 8, 10, 15, 16]);
  for (const { reason, seconds } of result.recoveries) {
    assert.match(reason, /^destroyed/);
    assert.ok(seconds > 0);
  }
  assert.equal(told, Array.from({ length: steps }, (_, i) => i + 1), 'an update that is done again is not told again');
});

test('lost while many updates are queued, as on a GPU', async () => {
  const asHardware = (gpu: Gpu): void => void Object.defineProperty(gpu, 'isSoftware', { value: false });
  const result = await lossyTrial((model) => ({ onUpdate: losingAfter(model, 9, 19) }), asHardware);
  await assertNothingShows(result);
  assert.equal(result.recoveries.map(({ resumedFrom }) => resumedFrom), [8, 16]);
});

test('lost while a batch is made, which no call notices at once', async () => {
  let clips = 0;
  const result = await lossyTrial(({ gpu }) => ({
    dataset: {
      ...dataset,
      clip: (i) => {
        if (++clips === 2 * training.batchSize * 6 + 1) gpu.device.destroy();
        return dataset.clip(i);
      },
    },
  }));
  await assertNothingShows(result);
  assert.is(result.recoveries.length, 1);
});

test('lost in the middle of a validation, then of a sample, whose weights are the average', async () => {
  let current!: Trainer;
  let validator: Validator | undefined;
  const renew = async (trainer: Trainer): Promise<void> => {
    const { model } = current = trainer;
    const options = { model, training: dataset, validation: dataset, L: training.cropSamples!, seed: 0 };
    validator = await Validator.create({ ...options, items: validator?.items });
  };
  let looks = 0;
  const done: unknown[] = [];
  const result = await lossyTrial(({ gpu }) => ({
    onStart: renew,
    onRecovery: renew,
    onUpdate: async ({ step }) => {
      if (step !== 13) return;
      looks++;
      const { model, average } = current;
      await withWeights(model, average, async () => {
        const evaluated = validator!.evaluate(step);
        if (looks === 1) gpu.device.destroy();
        done.push(await evaluated);
        done.push(await sample(model, { shape: [1, 100], onStep: () => looks === 2 && gpu.device.destroy() }));
      });
    },
  }));
  await assertNothingShows(result);
  assert.is(looks, 3, 'the update that was not looked at is looked at again');
  assert.is(done.length, 3);
  assert.equal(done[0], done[1], 'the same validation');
});

test('lost during a save: it is saved again, and the run goes on', async () => {
  const saves: number[] = [];
  const saved: Outcome['saved'] = [];
  const result = await lossyTrial((model) => ({
    onSave: async (state) => {
      saves.push(state.step);
      if (saves.length === 2) model.gpu.device.destroy();
      await model.toBytes();
      saved.push(state);
    },
  }));
  assert.equal(saves, [8, 16, 16, 20]);
  await assertNothingShows({ ...result, saved });
});

test('lost before the first update, while it starts', async () => {
  let starts = 0;
  const result = await lossyTrial(({ gpu }) => ({
    onStart: () => {
      if (++starts === 1) gpu.device.destroy();
      gpu.check();
      return gpu.idle();
    },
  }));
  await assertNothingShows(result);
  assert.is(starts, 2);
});

test('lost by a step that nothing is known about: it is done in more parts, to the same bits', async () => {
  const pieces: number[] = []; // that a step begins with
  const cautions: number[] = [];
  const count = ({ executable: { program }, model: { gpu } }: Trainer): void => {
    pieces.push(program.pieces.length);
    cautions.push(gpu.caution);
  };
  let updates = 0;
  const result = await lossyTrial(({ gpu }) => ({
    onStart: count,
    onRecovery: count,
    dataset: {
      ...dataset,
      clip: (i) => {
        const isSecond = ++updates === training.batchSize + 1;
        if (isSecond) gpu.device.destroy(); // with the first update in the queue
        return dataset.clip(i);
      },
    },
  }), (gpu) => {
    gpu.longestSubmit = 0.05; // ms, for which the convolutions are too much by what is known of their work
    Object.defineProperty(gpu, 'isSoftware', { value: false }); // which would wait for it
    gpu.submittedWorkDone = () => new Promise(() => {}); // and it is slow
  });
  await assertNothingShows(result);
  assert.equal(cautions, [1, 4]);
  assert.ok(pieces[1]! > pieces[0]!, `${pieces[0]} parts, then ${pieces[1]}`);
});

test('lost before there is a step, while its memory is taken', async () => {
  let lost = false;
  const result = await lossyTrial(() => ({}), (gpu) => {
    const { buffers, device } = gpu;
    const acquire = buffers.acquire.bind(buffers);
    buffers.acquire = (bytes, label) => {
      if (label === 'losses' && !lost) {
        lost = true;
        device.destroy();
      }
      return acquire(bytes, label);
    };
  });
  await assertNothingShows(result);
  assert.ok(lost);
  assert.equal(result.recoveries.map(({ step, resumedFrom }) => [step, resumedFrom]), [[0, 0]]);
});

test('lost with two reports on their way: both are done again, and no rejection is left to end the process', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    let slow = true;
    const result = await lossyTrial(({ gpu }) => ({
      saveEvery: steps, snapshotEvery: steps, // both wait for reports
      onUpdate: async ({ step }) => {
        if (step !== 7 || !slow) return; // the reports of updates 1, 3 and 6 wait for their figures
        slow = false;
        gpu.device.destroy();
      },
    }), (gpu) => {
      const read = gpu.read.bind(gpu);
      gpu.read = async (...wanted) => {
        while (slow) await new Promise((resolve) => setTimeout(resolve, 1));
        return read(...wanted);
      };
    });
    if (result.problem) throw result.problem;
    assert.equal(result.weights, (await undisturbed).weights);
    assert.equal(result.reports.map(({ step }) => step), [1, 3, 6, 9, 12, 15, 18, 20]);
    assert.is(result.recoveries.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(unhandled, []);
  } finally {
    process.off('unhandledRejection', note);
  }
});

test('a step that always loses the GPU ends the run, with all saved that was reached', async () => {
  const result = await lossyTrial(({ gpu }) => ({
    onUpdate: async ({ step }) => {
      if (step !== 12) return;
      gpu.device.destroy();
      await gpu.idle();
    },
  }));
  const { problem, saved, recoveries } = result;
  assert.instance(problem, UserError);
  assert.match((problem as Error).message,
    /^the GPU was lost 3 times in a row after step 10 \(destroyed[^\n]*\): go on from the checkpoint of step 10 with `resume`; if it happens again, [^\n]+$/);
  assert.equal(recoveries.map(({ resumedFrom }) => resumedFrom), [10, 10]);
  assert.equal(saved.map(({ step }) => step), [8, 10]);
  const rest = await lossyTrial(() => ({ steps: 10 }));
  assert.equal([result.weights, saved[1]!.m], [rest.weights, rest.saved[1]!.m]);
});

test('what a callback throws is thrown, and taken for nothing else', async () => {
  const own = new Error('mine');
  const { problem, recoveries } = await lossyTrial(() => ({ onUpdate: () => { throw own; } }));
  assert.is(problem, own);
  assert.equal(recoveries, []);
});

test.run();
