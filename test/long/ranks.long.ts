/**
 * A random rank of several is killed at a random moment, again and again: the others end, no process is left, every file is there as a
 * whole or not at all, the run goes on with another number of ranks, and its checkpoints are those of one undisturbed process.
 *
 * `KILLS=100 SEED=5 npm run test:long -- long/ranks` kills more often than usual, at other moments.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../../src/dataset/dataset.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { uniform } from '../../src/random.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { launchers, runRanks } from '../mpi.ts';
import { processesOf } from '../scripts/processes.ts';
import { CACHES, succeeds } from '../scripts/program.ts';

const test = suite('killed ranks');

const kills = Number(process.env.KILLS ?? 20); // of all libraries together
const seed = Number(process.env.SEED ?? 4); // of the moments

/** A whole number below `below`; `n` is the kill. */
const draw = (n: number, below: number, stream: number): number => Math.floor(below * uniform({ seed, stream, step: n, item: 0, index: 0 }));

const data = join(temporaryFolder(), 'set');
await prepareDataset({ source: temporaryFolder({ 'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 22050 }), 'b.wav': noise(22050) }), out: data, seconds: 1, splits: 3 });
const args = (run: string): string[] => [
  '--data', data, '--out', run, '--preset', 'tiny', '--layers', '2', '--channels', '4', '--diffusion-steps', '4', '--crop-samples', '64',
  '--batch-size', '5', '--parts', '5', '--learning-rate-schedule', 'constant', '--validation-tracks', '0', '--print-every', '1', '--save-every', '1', '--keep', '100000',
];
const hashesOf = (path: string): string => JSON.stringify(JSON.parse(readFileSync(join(path, 'state.json'), 'utf8')).sha256);
const newestOf = (run: string): number => {
  try {
    return RunFolder.open(run).checkpoints()[0]?.step ?? 0;
  } catch {
    return 0; // it has not begun yet
  }
};

for (const [number, launcher] of launchers.entries()) {
  const own = Array.from({ length: kills }, (_, n) => n).filter((n) => n % launchers.length === number);
  test(`${launcher.name}: ${own.length} times SIGKILL for one of several ranks, and the same bytes`, async () => {
    const run = join(temporaryFolder(), 'run');
    for (const n of own) {
      const before = newestOf(run);
      if (before === 0) rmSync(run, { recursive: true, force: true }); // killed before its first checkpoint
      const ranks = 2 + draw(n, 3, 0);
      let killed = 0;
      const interfere = async (): Promise<void> => {
        let ids = processesOf(run);
        for (let wait = 0; ids.length === 0 && wait < 6000; wait++) [, ids] = [await sleep(10), processesOf(run)];
        const victim = ids[draw(n, ids.length, 1)];
        if (victim !== undefined) [killed] = [victim, process.kill(victim, 'SIGKILL')];
      };
      // Every third at any time from the start of the ranks on; the others after one more checkpoint, however slow the machine is.
      const saves = n % 3 !== 2;
      const moment = saves ? { at: 'saved step ', after: draw(n, 1000, 2) } : { after: draw(n, 4000, 2) };
      const program = ['scripts/diffwave.ts', 'train', ...args(run), '--steps', '100000', ...(before > 0 ? ['--resume'] : [])];
      const { status, stderr, endedAfter } = await runRanks(launcher, ranks, program, { env: CACHES, ...moment, interfere });
      const what = `kill ${n} of process ${killed}, ${ranks} ranks: status ${status}, ${stderr}`;
      assert.ok(killed !== 0, `found nobody, ${what}`);
      assert.ok(status !== 0 && endedAfter! < 10_000, `${endedAfter} ms, ${what}`);
      for (let wait = 0; processesOf(run).length > 0 && wait < 20; wait++) await sleep(100);
      assert.equal(processesOf(run), [], what);
      if (saves) assert.ok(newestOf(run) > before, `nothing was saved, ${what}`);
    }
    const reached = newestOf(run);
    await succeeds('train', [...args(run), '--steps', String(reached + 1), '--resume']);
    const undisturbed = join(temporaryFolder(), 'undisturbed');
    await succeeds('train', [...args(undisturbed), '--steps', String(reached + 1)]);
    const wanted = new Map(RunFolder.open(undisturbed).checkpoints().map(({ step, path }) => [step, hashesOf(path)]));
    for (const { step, path } of RunFolder.open(run).checkpoints()) assert.is(hashesOf(path), wanted.get(step), `step ${step}`);
    console.log(`${launcher.name}: ${own.length} kills, ${reached + 1} steps`);
  });
}

if (launchers.length === 0) {
  test('MPI is not here, so there are no ranks to kill', () => assert.equal(launchers, []));
}

test.run();
