/**
 * `mpirun -n 2 node scripts/launch.mjs bench/ranks.ts`: what sharing a training step costs. Times the same whole batch as these ranks
 * do it, and with communication replaced by nothing; and the exchange of a gradient alone. Without mpirun, a process that is alone.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { openGpuTogether } from '../scripts/lib/adapter/openGpu.ts';
import { command } from '../scripts/lib/cli/command.ts';
import { openRanks } from '../scripts/lib/cli/ranks.ts';
import { formatBytes } from '../src/gpu/device/buffers.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { PartSum } from '../src/diffwave/training/partSum.ts';
import { Trainer } from '../src/diffwave/training/trainer.ts';
import type { Ranks } from '../src/ranks.ts';
import { digits, percent } from './lib/report.ts';
import { median } from '../src/statistics.ts';
import { batchOf, configured, sizesOf } from './lib/work.ts';

/** The same blocks, which nobody sent: what a rank does when it never waits and nothing travels. */
function pretended({ rank, size }: Ranks): Ranks {
  return {
    rank,
    size,
    allgather: async (mine) => {
      const all = new Uint8Array(mine.length * size);
      for (let i = 0; i < size; i++) all.set(mine, i * mine.length);
      return all;
    },
    alltoall: async (outgoing) => outgoing,
    broadcast: async (bytes) => bytes,
    barrier: async () => {},
  };
}

await command({
  name: 'bench:ranks',
  summary: 'times a training step that several ranks share, and its communication',
  flags: {
    preset: { type: 'string', default: 'tiny', placeholder: '<name>', help: 'what is trained' },
    batchSize: { type: 'integer', min: 1, help: "clips of the whole batch, each of them a part (the preset's)" },
    cropSamples: { type: 'integer', min: 1, help: "samples of a crop (the preset's)" },
    steps: { type: 'integer', default: 10, min: 1, help: 'steps that are timed, of each kind' },
    exchange: { type: 'boolean', help: 'only the exchange of a gradient' },
  },
}).does(async ({ flags }) => {
  const company = await openRanks({ matrices: false });
  const { ranks, print } = company;
  const sizes = sizesOf(flags.preset, { B: flags.batchSize, L: flags.cropSamples });
  const { model: config, training } = configured(sizes);
  const gpu = await openGpuTogether(ranks, { tune: false, model: config });
  using model = DiffWave.create(gpu, config);
  const { size: bytes } = model.parameters;
  const load = (): string => `load ${digits(loadavg()[0]!)}`;
  print(`${flags.preset}: batch ${sizes.B} × ${sizes.L} samples, gradient ${formatBytes(bytes)}, ${ranks.size} ${ranks.size === 1 ? 'rank' : 'ranks'}`);

  const sum = new PartSum(ranks, { parts: ranks.size, length: bytes / 4 });
  const gradient = new Float32Array(bytes / 4).fill(1e-3);
  const exchanges = await timed(flags.steps, ranks, () => sum.of(async () => ({ gradient, loss: 0 }), { stop: false }));
  print(`exchange  ${digits(1e3 * median(exchanges))} ms: one part of each rank, cut, sent, added up, gathered (${load()})`);
  if (!flags.exchange) {
    const parts = sizes.B;
    for (const [name, carriers] of [['together', ranks], ['pretended', pretended(ranks)]] as const) {
      using trainer = await Trainer.create({ model, training: { ...training, parts }, L: sizes.L, ranks: carriers });
      const batch = batchOf(config, sizes);
      const step = async (): Promise<void> => {
        await trainer.update(batch);
        await gpu.idle();
      };
      for (let i = 0; i < 3; i++) await step(); // compiles, and learns how the step is cut into submits
      const before = trainer.shared.waited;
      const [all, main] = [process.cpuUsage(), mainThread()];
      const seconds = await timed(flags.steps, ranks, step);
      const used = process.cpuUsage(all);
      const waited = (trainer.shared.waited - before) / seconds.reduce((total, each) => total + each, 0);
      const processor = (used.user + used.system) / 1e3 / flags.steps;
      const ofMain = main === undefined ? '' : `, ${digits((mainThread()! - main) / flags.steps)} of them its main thread's`;
      print(`${name.padEnd(9)} ${digits(1e3 * median(seconds))} ms a step, ${percent(waited)} of it waiting (${load()}); processors: ${digits(processor)} ms${ofMain}`);
    }
  }
  gpu.close();
  await ranks.barrier();
  company.part();
}).run();

/** Milliseconds of processor time that this process's first thread has had; where the system says it. */
function mainThread(): number | undefined {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

/** Seconds of each call; all ranks begin it together. */
async function timed(count: number, ranks: Ranks, body: () => Promise<unknown>): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = 0; i < count; i++) {
    await ranks.barrier();
    const start = performance.now();
    await body();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}
