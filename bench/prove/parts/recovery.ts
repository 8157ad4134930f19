/** A device that is lost while it trains: a new one takes its place, and the weights are those of a training without a loss. */
import { DiffWave } from '../../../src/diffwave/model/model.ts';
import { train } from '../../../src/diffwave/training/loop.ts';
import { digits } from '../../lib/report.ts';
import { configured } from '../../lib/work.ts';
import { chords } from '../curve.ts';
import type { Part } from '../part.ts';

/** Updates of the training, and the one after which the device is lost; the snapshot before it is at 4. */
const updates = { all: 8, lostAfter: 6, between: 4 };

export const recovery: Part = async (context) => {
  const { gpu } = await context.machine();
  const sizes = context.small ? context.sizes : { ...context.sizes, B: 2, L: 4096 };
  const { model: config, training, L } = configured(sizes);
  const trained = async ({ lose }: { lose: boolean }) => {
    const model = DiffWave.create(gpu, config);
    let [lost, resumedFrom, reason] = [false, -1, ''];
    await train(model, {
      dataset: chords(L), training, steps: updates.all, snapshotEvery: updates.between,
      onUpdate(trainer) {
        if (!lose || lost || trainer.step !== updates.lostAfter) return;
        lost = true;
        gpu.device.destroy();
      },
      onRecovery(_, recovered) {
        ({ resumedFrom, reason } = recovered);
      },
    });
    return { weights: await model.weights(), resumedFrom, reason };
  };
  const wanted = await trained({ lose: false });
  const start = performance.now();
  const got = await trained({ lose: true });
  const seconds = (performance.now() - start) / 1000;
  if (got.resumedFrom !== updates.between) context.wrong(`after the loss it went on from update ${got.resumedFrom}, not ${updates.between}`);
  let differing = 0;
  for (const [name, values] of wanted.weights) {
    const bits = (array: Float32Array) => new Uint32Array(array.buffer, array.byteOffset, array.length);
    const other = bits(got.weights.get(name)!);
    differing += bits(values).reduce((count, word, i) => count + Number(word !== other[i]), 0);
  }
  if (differing > 0) context.wrong(`${differing} weights differ from those of a training without a loss`);
  context.row('recovery', { ...sizes, seconds, resumedFrom: got.resumedFrom, reason: got.reason, differing });
  context.line(`lost after update ${updates.lostAfter}, went on from ${got.resumedFrom}; ${differing} weights differ; ${digits(seconds)} s in all`);
};
