/** Child of `bench:step`: the JavaScript of a training step on Dawn's null backend, whose GPU does nothing at once. */
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { openProvider } from '../../src/platform/provider.node.ts';
import { endProcess } from '../../scripts/lib/cli/command.ts';
import { openOn } from '../lib/machine.ts';
import { median } from '../../src/statistics.ts';
import type { Sizes } from '../lib/work.ts';
import { batchOf, configured } from '../lib/work.ts';

const warmUp = 50;
const steps = 300;

const sizes: Sizes = JSON.parse(process.argv[2]!);
const gpu = await openOn(await openProvider(['backend=null']));
const { model: config, training, L } = configured(sizes);
const trainer = await Trainer.create({ model: DiffWave.create(gpu, config), training, L });
const batch = batchOf(config, sizes);
const milliseconds: number[] = [];
for (let i = 0; i < warmUp + steps; i++) {
  const start = performance.now();
  trainer.update(batch);
  if (i >= warmUp) milliseconds.push(performance.now() - start);
  await gpu.idle();
}
const { variant } = gpu.variant;
console.log(JSON.stringify({ variant, dispatches: trainer.plan.operations.length, milliseconds: median(milliseconds) }));
await endProcess(0);
