/** `npm run bench:conditions`: what it costs to tell a network something: training steps of one network with and without, in turns. */
import { readFile } from 'node:fs/promises';
import type { DiffWaveConfig } from '../src/diffwave/model/config.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { Trainer } from '../src/diffwave/training/trainer.ts';
import { median, quantile } from '../src/statistics.ts';
import { checkGolden } from '../src/verify/golden.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { openGpu } from '../scripts/lib/adapter/openGpu.ts';
import { appendResults, digits, percent, table } from './lib/report.ts';
import { batchOf, configured, sizesOf } from './lib/work.ts';

/** What networks are told, and the golden file that holds their passes. */
const CONDITIONS = {
  labels: { golden: 'diffwave-labels-5x8', config: { conditioner: 'labels', labels: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'], labelWidth: 128 } },
  mel: { golden: 'diffwave-mel-6x8', config: { conditioner: 'mel', melBands: 80, hopSamples: 256 } },
} as const satisfies Record<string, { golden: string; config: Partial<DiffWaveConfig> }>;

await command({
  name: 'bench:conditions',
  summary: 'times training steps of a network that is told nothing and of one that is told something, in turns',
  flags: {
    preset: { type: 'string', default: 'gtzan', help: 'whose network' },
    batchSize: { type: 'integer', min: 1, default: 1, help: 'items' },
    cropSamples: { type: 'integer', min: 1, default: 8192, help: 'samples of an item' },
    rounds: { type: 'integer', default: 15, min: 3, help: 'steps of each that are measured' },
  },
}).does(async ({ flags }) => {
  const sizes = sizesOf(flags.preset, { B: flags.batchSize, L: flags.cropSamples });
  const gpu = await openGpu({ tune: true, model: configured(sizes).model });
  for (const { golden } of Object.values(CONDITIONS)) {
    const bytes = await readFile(new URL(`../test/golden/${golden}.safetensors`, import.meta.url));
    const wrong = (await checkGolden(gpu, { bytes, file: golden })).find(({ ok }) => !ok);
    if (wrong) throw new Error(`${golden}: ${wrong.name} is wrong, so there is nothing to time`);
  }
  const { model: config, training, L } = configured(sizes);
  const runs = await Promise.all(Object.entries({ nothing: { config: {} }, ...CONDITIONS }).map(async ([name, { config: told }]) => {
    const model = DiffWave.create(gpu, { ...config, ...told });
    const trainer = await Trainer.create({ model, training, L });
    return { name, trainer, batch: batchOf(model.config, sizes), seconds: [] as number[] };
  }));
  for (let round = -2; round < flags.rounds; round++) { // two to warm up
    for (const { trainer, batch, seconds } of runs) {
      const start = performance.now();
      trainer.update(batch);
      await gpu.idle();
      if (round >= 0) seconds.push((performance.now() - start) / 1000);
    }
  }
  const without = runs[0]!.seconds;
  const rows = runs.map(({ name, trainer, seconds }) => ({
    told: name, ...sizes, variant: gpu.variant.variant, seconds: median(seconds), p20: quantile(seconds, 0.2), p80: quantile(seconds, 0.8),
    // Of steps that stand beside each other: the machine may be slower for a while.
    more: median(seconds.map((each, i) => each / without[i]! - 1)), dispatches: trainer.plan.operations.length,
  }));
  const path = appendResults(gpu, 'conditions', rows);
  console.log(`${gpu.describe()}\nnetwork   ${sizes.preset}, B ${sizes.B}, L ${sizes.L}, ${flags.rounds} rounds\n`);
  console.log(table(['told', 'ms', 'p20', 'p80', 'more', 'dispatches'], rows.map((row) =>
    [row.told, digits(row.seconds * 1e3), digits(row.p20 * 1e3), digits(row.p80 * 1e3), percent(row.more), String(row.dispatches)])));
  console.log(`\n${rows.length} rows appended to ${path}`);
  gpu.close();
}).run();
