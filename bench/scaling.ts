/** `npm run bench:scaling`: how the cost of a training step grows with L, B, C and the number of layers. */
import { command } from '../scripts/lib/cli/command.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { Trainer } from '../src/diffwave/training/trainer.ts';
import type { Machine } from './lib/machine.ts';
import { openMachine } from './lib/machine.ts';
import { appendResults, digits, table } from './lib/report.ts';
import { fittedExponent } from './lib/statistics.ts';
import { median } from '../src/statistics.ts';
import { batchOf, configured } from './lib/work.ts';

interface Point {
  readonly L: number;
  readonly B: number;
  readonly channels: number;
  readonly layers: number;
}

const base: Point = { L: 2048, B: 1, channels: 32, layers: 4 };

/** One size at a time, the others as in `base`; what the exponent would be if only arithmetic counted. */
const series: readonly { readonly of: keyof Point; readonly sizes: readonly number[]; readonly arithmetic: number }[] = [
  { of: 'L', sizes: [1024, 2048, 4096, 8192], arithmetic: 1 },
  { of: 'B', sizes: [1, 2, 4, 8], arithmetic: 1 },
  { of: 'channels', sizes: [16, 32, 64, 128], arithmetic: 2 },
  { of: 'layers', sizes: [2, 4, 8, 16], arithmetic: 1 },
];

await command({
  name: 'bench:scaling',
  summary: 'times training steps of growing sizes and fits the exponents',
  flags: {
    repetitions: { type: 'integer', default: 5, min: 3, help: 'measurements of each size' },
    json: { type: 'boolean', help: 'print rows of JSON instead of tables' },
  },
}).does(async ({ flags }) => {
  const machine = await openMachine();
  if (!flags.json) console.log(`${machine.gpu.describe()}\ntimed by  ${machine.stopwatch.source}\n`);
  const rows = [];
  for (const { of, sizes, arithmetic } of series) {
    const points = [];
    for (const size of sizes) points.push({ size, ...(await measurePoint(machine, { ...base, [of]: size }, flags)) });
    rows.push({ of, arithmetic, exponent: fittedExponent(points), points });
    if (!flags.json) {
      console.log(table([of, 'ms', 'FMA probe of that time, GFLOP'], points.map(({ size, seconds, cost }) =>
        [String(size), digits(seconds * 1e3), digits(cost / 1e9)])));
      console.log(`cost ~ ${of}^${rows.at(-1)!.exponent.toFixed(2)} (arithmetic alone: ${arithmetic})\n`);
    }
  }
  const path = appendResults(machine.gpu, 'scaling', rows.map((row) => ({ base, variant: machine.gpu.variant.variant, ...row })));
  if (flags.json) for (const row of rows) console.log(JSON.stringify(row));
  else console.log(`${rows.length} rows appended to ${path}`);
}).run();

/** `cost`: what the FMA probe beside would have computed in the time, so that the machine's moods cancel. */
async function measurePoint({ gpu, stopwatch, probes }: Machine, { L, B, channels, layers }: Point, { repetitions }: {
  repetitions: number;
}): Promise<{ seconds: number; cost: number }> {
  const { model: tiny, training } = configured({ preset: 'tiny', B, L });
  const config = { ...tiny, channels, layers };
  using model = DiffWave.create(gpu, config);
  using trainer = await Trainer.create({ model, training, L });
  trainer.update(batchOf(config, { B, L }));
  await gpu.idle();
  const { program } = trainer.executable;
  const seconds: number[] = [];
  const costs: number[] = [];
  let before = await probes.fma();
  for (let i = 0; i < repetitions; i++) {
    const [each] = await stopwatch.time([(pass) => program.encode(pass)]);
    const after = await probes.fma();
    seconds.push(each!);
    costs.push((each! * (before.wall + after.wall)) / 2);
    before = after;
  }
  return { seconds: median(seconds), cost: median(costs) };
}
