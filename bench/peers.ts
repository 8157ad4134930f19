/** `npm run bench:peers`: the same network, sizes, weights and data elsewhere, in turns with ours. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from '../scripts/lib/cli/command.ts';
import { Denoiser } from '../src/diffwave/sampling/denoiser.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { Trainer } from '../src/diffwave/training/trainer.ts';
import { forwardFlops, trainingFlops } from './lib/flops.ts';
import type { Machine } from './lib/machine.ts';
import { openMachine } from './lib/machine.ts';
import { appendResults, digits, table } from './lib/report.ts';
import { median } from './lib/statistics.ts';
import type { Sizes } from './lib/work.ts';
import { batchOf, configured, predictAndWait, sizesOf } from './lib/work.ts';
import { makeLastLayerMatter, writeCase } from './peers/case.ts';
import { installed } from './peers/install.ts';
import type { Answer, Task } from './peers/process.ts';
import { PeerProcess } from './peers/process.ts';

/** How far a peer's first loss may be from ours, relatively. */
const lossTolerance = 1e-4;

const versions = { jaxjs: '0.1.25', tfjs: '4.22.0' };
const local = (name: string) => join(import.meta.dirname, 'peers', name);

interface Peer {
  readonly name: string;
  readonly tasks: readonly Task[];
  start(folder: string, python: string): Promise<PeerProcess>;
}

const peers: readonly Peer[] = [
  {
    name: 'jax-js',
    tasks: ['forward', 'train'],
    async start(folder) {
      const packages = await installed('jax-js', [`@jax-js/jax@${versions.jaxjs}`]);
      const entry = join(packages, 'node_modules/@jax-js/jax/dist/index.js');
      return PeerProcess.start(`jax-js ${versions.jaxjs} (WebGPU)`, [process.execPath, local('jaxjs.mjs'), entry, folder]);
    },
  },
  {
    name: 'tfjs',
    tasks: ['forward'], // it cannot differentiate a dilated convolution
    async start(folder) {
      const names = ['tfjs-core', 'tfjs-backend-cpu', 'tfjs-backend-webgpu'].map((name) => `@tensorflow/${name}@${versions.tfjs}`);
      return PeerProcess.start(`tfjs ${versions.tfjs} (WebGPU)`, [process.execPath, local('tfjs.mjs'), await installed('tfjs', names), folder]);
    },
  },
  ...['eager', 'compile'].map((mode): Peer => ({
    name: `PyTorch ${mode}`,
    tasks: ['forward', 'train'],
    start: (folder, python) => PeerProcess.start(`PyTorch ${mode}`, [python, local('diffwave.py'), folder, mode]),
  })),
];

interface Row {
  readonly peer: string;
  readonly task: Task;
  readonly ours: number; // median seconds
  readonly theirs: number;
  readonly ratio: number; // theirs/ours, median of pairs
  readonly ratios: readonly number[];
  readonly oursFlops: number; // a second
  readonly theirsFlops: number;
  readonly firstLoss: { readonly ours: number; readonly theirs: number };
}

await command({
  name: 'bench:peers',
  summary: 'times the same network in jax-js, tfjs and PyTorch, in turns with ours',
  flags: {
    preset: { type: 'string', default: 'gtzan', help: 'whose network' },
    batchSize: { type: 'integer', default: 1, min: 1, help: 'items' },
    cropSamples: { type: 'integer', default: 8192, min: 1, help: 'samples of an item' },
    pairs: { type: 'integer', default: 5, min: 3, help: 'turns' },
    filter: { type: 'string', placeholder: '<text>', default: '', help: 'only peers with this in their name' },
    patience: { type: 'integer', default: 600, min: 1, help: 'seconds that a peer may need for one step, compilation included' },
    python: { type: 'string', default: 'python3', placeholder: '<program>', help: 'the Python that has PyTorch' },
    json: { type: 'boolean', help: 'print rows of JSON instead of a table' },
  },
}).does(async ({ flags }) => {
  const sizes = sizesOf(flags.preset, { B: flags.batchSize, L: flags.cropSamples });
  const machine = await openMachine();
  const say = flags.json ? console.error : console.log;
  say(`${machine.gpu.describe()}\nnetwork   ${sizes.preset}, B ${sizes.B}, L ${sizes.L}\n`);
  const ours = await openOurs(machine, sizes);
  const folder = mkdtempSync(join(tmpdir(), 'diffwave-peers-'));
  const rows: Row[] = [];
  try {
    await writeCase(ours.model, sizes, folder);
    const first = await ours.firstLoss();
    for (const peer of peers.filter(({ name }) => name.toLowerCase().includes(flags.filter.toLowerCase()))) {
      let process: PeerProcess | undefined;
      try {
        process = await peer.start(folder, flags.python);
        for (const task of peer.tasks) {
          rows.push(await inTurns({ ours, process, task, flags, sizes, first }));
          say(`${process.name} ${task}: ours is ${digits(rows.at(-1)!.ratio)} times as fast`);
        }
      } catch (error) {
        say(`${peer.name}: left out (${(error as Error).message})`);
      } finally {
        process?.end();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (rows.length === 0) return 1;
  const path = appendResults(machine.gpu, 'peers', rows.map((row) => ({ ...sizes, variant: machine.gpu.variant.variant, ...row })));
  if (flags.json) for (const row of rows) console.log(JSON.stringify(row));
  else console.log(`\n${show(rows)}\n\n${rows.length} rows appended to ${path}`);
  return 0;
}).run();

interface Ours {
  readonly model: DiffWave;
  firstLoss(): Promise<number>;
  do(task: Task): Promise<number>;
}

async function openOurs({ gpu }: Machine, sizes: Sizes): Promise<Ours> {
  const { model: config, training, L } = configured(sizes);
  const batch = batchOf(config, sizes);
  const model = DiffWave.create(gpu, config);
  makeLastLayerMatter(model);
  const trainer = await Trainer.create({ model, training, L });
  const denoiser = await Denoiser.create({ model, B: sizes.B, L });
  denoiser.write(batch.audio);
  const tasks: Record<Task, () => Promise<void>> = {
    forward: () => predictAndWait(gpu, denoiser, batch.t),
    async train() {
      trainer.update(batch);
      await gpu.idle();
    },
  };
  return {
    model,
    async firstLoss() {
      trainer.update(batch);
      return (await trainer.losses(1))[0]!;
    },
    async do(task) {
      const start = performance.now();
      await tasks[task]();
      return (performance.now() - start) / 1000;
    },
  };
}

/** A B A B …: a pair is ours and theirs directly after it. */
async function inTurns({ ours, process, task, flags, sizes, first }: {
  ours: Ours; process: PeerProcess; task: Task; flags: { pairs: number; patience: number }; sizes: Sizes; first: number;
}): Promise<Row> {
  const peer = (): Promise<Answer> => process.do(task, flags.patience);
  const { loss } = await peer(); // compiles
  if (!(Math.abs(loss - first) <= lossTolerance * Math.abs(first))) {
    throw new Error(`its first loss is ${loss}, ours ${first}: it does not compute the same`);
  }
  for (let i = 0; i < 2; i++) {
    await peer();
    await ours.do(task);
  }
  const measured: { ours: number; theirs: Answer }[] = [];
  for (let i = 0; i < flags.pairs; i++) measured.push({ ours: await ours.do(task), theirs: await peer() });
  const { model: config } = configured(sizes);
  const flops = sizes.B * sizes.L * (task === 'train' ? trainingFlops(config) : forwardFlops(config));
  const seconds = { ours: median(measured.map((pair) => pair.ours)), theirs: median(measured.map((pair) => pair.theirs.seconds)) };
  const ratios = measured.map((pair) => pair.theirs.seconds / pair.ours);
  return {
    peer: process.name, task, ...seconds, ratio: median(ratios), ratios,
    oursFlops: flops / seconds.ours, theirsFlops: flops / seconds.theirs, firstLoss: { ours: first, theirs: loss },
  };
}

function show(rows: readonly Row[]): string {
  const head = ['peer', 'task', 'ours ms', 'theirs ms', 'ours GFLOP/s', 'theirs GFLOP/s', 'times as fast', 'pair by pair', 'first losses'];
  return table(head, rows.map((row) => [
    row.peer, row.task, digits(row.ours * 1e3), digits(row.theirs * 1e3), digits(row.oursFlops / 1e9), digits(row.theirsFlops / 1e9),
    digits(row.ratio), row.ratios.map(digits).join(' '), `${row.firstLoss.ours.toFixed(5)} ${row.firstLoss.theirs.toFixed(5)}`,
  ]));
}
