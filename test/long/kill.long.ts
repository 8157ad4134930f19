/** A training process that is killed again and again, at random moments, ends where an undisturbed one does. */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareDataset } from '../../src/dataset/dataset.node.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { uniform } from '../../src/random.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { runScript, succeeds } from '../scripts/program.ts';

const test = suite('killed');

const kills = 50;
const seed = 4; // of the moments

/** What every kill must leave: nothing, or a run that goes on. */
const isResumable = (run: string): boolean =>
  existsSync(join(run, 'config.json')) && RunFolder.open(run).checkpoints().length > 0;

/** A number below `below`; `n` is the kill. */
const draw = (n: number, below: number): number => below * uniform({ seed, stream: 0, step: n, item: 0, index: 0 });

// Windows has no signals between processes.
if (process.platform !== 'win32') {
  test(`${kills} times SIGKILL, and the same weights`, async () => {
    const music = temporaryFolder({
      'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 22050 }),
      'b.wav': noise(22050),
    });
    const data = join(temporaryFolder(), 'set');
    await prepareDataset({ source: music, out: data, seconds: 1, splits: 2 });
    const settings = [
      '--data', data, '--preset', 'tiny', '--batch-size', '2', '--crop-samples', '64', '--diffusion-steps', '4',
      '--clip-norm', '0.5', '--weight-decay', '0.01', '--timesteps', 'stratified', '--gain-db', '6',
    ];
    const often = ['--print-every', '1', '--save-every', '1', '--validate-every', '3', '--keep', '2', '--steps', '100000'];
    const run = join(temporaryFolder(), 'run');
    const reached = new Set<number>();

    for (let n = 0; n < kills; n++) {
      const resumable = isResumable(run);
      if (!resumable) rmSync(run, { recursive: true, force: true }); // killed before its first checkpoint
      // Every third at any time from the start of the process on; the others while it trains and saves.
      const kill = n % 3 === 0 ? { milliseconds: draw(n, 3000) } : { after: '\nstep ', milliseconds: draw(n, 500) };
      const args = [...settings, ...often, '--out', run, ...(resumable ? ['--resume'] : [])];
      const { status, stderr } = await runScript('train', args, { kill });
      assert.equal([status, stderr], [null, ''], `kill ${n} found a process that had ended by itself`);
      if (isResumable(run)) reached.add(RunFolder.open(run).checkpoints()[0].step);
    }
    assert.ok(reached.size > kills / 2, `the run was at ${reached.size} different steps when it was killed`);

    const steps = String(RunFolder.open(run).checkpoints()[0].step + 3);
    await succeeds('train', [...settings, '--validate-every', '3', '--out', run, '--resume', '--steps', steps]);
    const straight = join(temporaryFolder(), 'straight');
    await succeeds('train', [...settings, '--validate-every', '3', '--out', straight, '--steps', steps]);
    const checkpoint = join('checkpoints', `step-${steps}`);
    for (const file of ['weights.safetensors', 'weights-raw.safetensors', join(checkpoint, 'optimizer.safetensors')]) {
      assert.ok(readFileSync(join(run, file)).equals(readFileSync(join(straight, file))), file);
    }
    assert.equal(readdirSync(run).filter((name) => name.endsWith('.tmp')), []);
  });
}

test.run();
