/** The same network, sizes, weights and data elsewhere, in turns with ours. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Denoiser } from '../../src/diffwave/sampling/denoiser.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { Trainer } from '../../src/diffwave/training/trainer.ts';
import { forwardFlops, trainingFlops } from '../../src/roofline/flops.ts';
import type { Machine } from '../lib/machine.ts';
import { digits, table } from '../lib/report.ts';
import { median } from '../../src/statistics.ts';
import type { Sizes } from '../lib/work.ts';
import { batchOf, configured, predictAndWait } from '../lib/work.ts';
import { makeLastLayerMatter, writeCase } from './case.ts';
import { installed } from './install.ts';
import type { Answer, Task } from './process.ts';
import { PeerProcess } from './process.ts';

/** How far a peer's first loss may be from ours, relatively; TF32 rounds the operands of products to 11 places, 5e-4. */
const lossTolerance = { float32: 1e-4, tf32: 5e-3 };

const versions = { jaxjs: '0.1.25', tfjs: '4.22.0' };
const local = (name: string) => join(import.meta.dirname, name);

interface Peer {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly precision?: keyof typeof lossTolerance;
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
  ...(['eager', 'compile'] as const).flatMap((mode) => (['float32', 'tf32'] as const).map((precision): Peer => ({
    name: `PyTorch ${mode}${precision === 'tf32' ? ' TF32' : ''}`,
    tasks: ['forward', 'train'],
    precision,
    start: (folder, python) => PeerProcess.start(`PyTorch ${mode}`, [python, local('diffwave.py'), folder, mode, precision]),
  }))),
];

export interface PeerRow {
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

export interface PeerOptions {
  /** Only peers with this in their name, in any case. */
  readonly filter: string;
  /** Turns. */
  readonly pairs: number;
  /** Seconds that a peer may need for one step, compilation included. */
  readonly patience: number;
  /** The Python that has PyTorch. */
  readonly python: string;
  /** Told of every row as soon as it is there, and in a line of everything else. */
  readonly onRow?: (row: PeerRow) => void;
  readonly say: (line: string) => void;
}

/** Rows of the peers that run here; of one that does not, a line says why. */
export async function comparePeers(machine: Machine, sizes: Sizes, options: PeerOptions): Promise<PeerRow[]> {
  const { filter, python, say } = options;
  const ours = await openOurs(machine, sizes);
  const folder = mkdtempSync(join(tmpdir(), 'diffwave-peers-'));
  const rows: PeerRow[] = [];
  try {
    await writeCase(ours.model, sizes, folder);
    const first = await ours.firstLoss();
    for (const peer of peers.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()))) {
      let process: PeerProcess | undefined;
      try {
        process = await peer.start(folder, python);
        for (const task of peer.tasks) {
          const row = await inTurns({ ours, process, task, options, sizes, first, tolerance: lossTolerance[peer.precision ?? 'float32'] });
          rows.push(row);
          options.onRow?.(row);
          say(`${process.name} ${task}: ours is ${digits(row.ratio)} times as fast`);
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
  return rows;
}

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
async function inTurns({ ours, process, task, options, sizes, first, tolerance }: {
  ours: Ours; process: PeerProcess; task: Task; options: Pick<PeerOptions, 'pairs' | 'patience'>; sizes: Sizes; first: number; tolerance: number;
}): Promise<PeerRow> {
  const peer = (): Promise<Answer> => process.do(task, options.patience);
  const { loss } = await peer(); // compiles
  if (!(Math.abs(loss - first) <= tolerance * Math.abs(first))) {
    throw new Error(`its first loss is ${loss}, ours ${first}: it does not compute the same`);
  }
  for (let i = 0; i < 2; i++) {
    await peer();
    await ours.do(task);
  }
  const measured: { ours: number; theirs: Answer }[] = [];
  for (let i = 0; i < options.pairs; i++) measured.push({ ours: await ours.do(task), theirs: await peer() });
  const { model: config } = configured(sizes);
  const flops = sizes.B * sizes.L * (task === 'train' ? trainingFlops(config) : forwardFlops(config));
  const seconds = { ours: median(measured.map((pair) => pair.ours)), theirs: median(measured.map((pair) => pair.theirs.seconds)) };
  const ratios = measured.map((pair) => pair.theirs.seconds / pair.ours);
  return {
    peer: process.name, task, ...seconds, ratio: median(ratios), ratios,
    oursFlops: flops / seconds.ours, theirsFlops: flops / seconds.theirs, firstLoss: { ours: first, theirs: loss },
  };
}

/** A table of rows. */
export function showPeers(rows: readonly PeerRow[]): string {
  const head = ['peer', 'task', 'ours ms', 'theirs ms', 'ours GFLOP/s', 'theirs GFLOP/s', 'times as fast', 'pair by pair', 'first losses'];
  return table(head, rows.map((row) => [
    row.peer, row.task, digits(row.ours * 1e3), digits(row.theirs * 1e3), digits(row.oursFlops / 1e9), digits(row.theirsFlops / 1e9),
    digits(row.ratio), row.ratios.map(digits).join(' '), `${row.firstLoss.ours.toFixed(5)} ${row.firstLoss.theirs.toFixed(5)}`,
  ]));
}
