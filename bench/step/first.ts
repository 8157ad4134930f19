/**
 * Child of `bench:step`: seconds from the start of this process to the end of the first training step. With the
 * driver's shader cache switched off in the environment: what a user waits the first time ever.
 */
import { ensureAdapter } from '../../scripts/lib/adapter/gpu.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { Gpu } from '../../src/gpu/device/gpu.ts';
import { endProcess } from '../../scripts/lib/cli/command.ts';
import type { Sizes } from '../lib/work.ts';
import { batchOf, configured } from '../lib/work.ts';

const sizes: Sizes = JSON.parse(process.argv[2]!);
await ensureAdapter();
const gpu = await Gpu.open();
const { model: config, training, L } = configured(sizes);
const model = DiffWave.create(gpu, config);
const trainer = await Trainer.create({ model, training, L });
trainer.update(batchOf(config, sizes));
await gpu.idle();
console.log(JSON.stringify({ seconds: performance.now() / 1000 }));
await endProcess(0);
