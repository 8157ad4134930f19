/** A disk that is full at every single write of a run and of a data set: one line, nothing lost, and it goes on once there is room. */
import fs, { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../../scripts/lib/cli/command.ts';
import { Monitor } from '../../scripts/lib/train/monitor.ts';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { splitByTrack } from '../../src/diffwave/data/split.ts';
import { RunFolder } from '../../src/diffwave/files/run.node.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { train } from '../../src/diffwave/training/loop.ts';
import { tinyConfig } from '../diffwave/tiny.ts';
import { noise, temporaryFolder } from '../audio/helpers.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { classic } from '../diffwave/classic.ts';

const test = suite('full disk');

/** While `work` runs, the disk takes so many writes; of the next one it takes half, and then nothing more. Resolves to their number. */
async function withRoom(room: number, work: () => Promise<void>): Promise<number> {
  const { writeSync } = fs;
  let writes = 0;
  fs.writeSync = ((file: number, bytes: Uint8Array, offset: number, length: number): number => {
    if (file <= 2) return writeSync(file, bytes, offset, length); // the terminal
    writes++;
    if (writes <= room) return writeSync(file, bytes, offset, length);
    if (writes === room + 1 && length > 1) return writeSync(file, bytes, offset, length >> 1);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { errno: -28, syscall: 'write', code: 'ENOSPC' });
  }) as typeof fs.writeSync;
  syncBuiltinESMExports();
  try {
    await work();
    return writes;
  } finally {
    Object.assign(fs, { writeSync });
    syncBuiltinESMExports();
  }
}

/** The line that a command prints when `work` fails for want of room; undefined if it does not fail. */
async function lineOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const { text, code } = explain(error);
    assert.is(code, 1, text);
    assert.not.match(text, '\n');
    assert.match(text, /no space left|ENOSPC/);
    return text;
  }
}

const music = temporaryFolder({ 'a.wav': noise(22050), 'b.wav': noise(22050, 2) });
const data = join(temporaryFolder(), 'set');
await prepareDataset({ source: music, out: data, seconds: 1, splits: 2 });
const training = { ...classic.training, batchSize: 2, cropSamples: 64, emaDecay: 0.99 };
const config = { ...tinyConfig, sampleRate: 7350 };

/** As `train` does it: a new run, or the one that is there, up to `steps`, with everything that is written on the way. */
async function trained(path: string, steps: number): Promise<void> {
  const gpu = await gpuForTests();
  const dataset = loadDataset(data);
  const split = splitByTrack(dataset, { tracks: 1, seed: 0, leastClips: 2 });
  const lock = await RunFolder.lock(path);
  const model = DiffWave.create(gpu, config, { seed: 0 });
  let monitor: Monitor | undefined;
  try {
    const run = existsSync(join(path, 'config.json')) ? RunFolder.open(path) : RunFolder.create(path, { preset: 'tiny', model: config, training, data });
    run.writeUnder(lock);
    const resume = run.checkpoints().length > 0 ? run.resume(model) : undefined;
    await train(model, {
      dataset: split.training, training, steps, resume, printEvery: 1, saveEvery: 1,
      onStart: async (trainer) => {
        monitor = await Monitor.create({ trainer, run, model: config, split, steps, validateEvery: 1, sampleEvery: 2, resumedAt: resume?.step });
      },
      onUpdate: ({ step }) => monitor!.update(step),
      onProgress: (progress) => {
        run.appendLog(progress);
        monitor!.progress(progress);
      },
      onSave: async (state) => {
        monitor!.markIfBest(state.step);
        await run.save(model, state, { keep: 2 });
      },
    });
  } finally {
    monitor?.end();
    lock.release();
    model.destroy();
  }
}

/** What the monitor prints is not what this is about. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { write } = process.stdout;
  process.stdout.write = () => true;
  try {
    return await work();
  } finally {
    process.stdout.write = write;
  }
}

test('a run that goes on: at every write it ends with a line, keeps its checkpoint, and ends up at the same weights', async () => {
  const before = join(temporaryFolder(), 'run');
  await quietly(() => trained(before, 1));
  const straight = join(temporaryFolder(), 'run');
  const newCopy = (): string => {
    const copy = join(temporaryFolder(), 'run');
    cpSync(before, copy, { recursive: true });
    return copy;
  };
  cpSync(before, straight, { recursive: true });
  const writes = await quietly(() => withRoom(Infinity, () => trained(straight, 2)));
  const names = ['weights.safetensors', 'weights-raw.safetensors', join('checkpoints', 'step-2', 'optimizer.safetensors')];
  const wanted = names.map((name) => readFileSync(join(straight, name)));
  assert.ok(writes > 20, `${writes} writes`);
  for (let room = 0; room < writes; room++) {
    const run = newCopy();
    const line = await quietly(() => lineOf(() => withRoom(room, () => trained(run, 2))));
    assert.ok(line, `room for ${room} of ${writes} writes was enough`);
    assert.ok(RunFolder.open(run).checkpoints().length >= 1, `after ${room} writes: ${line}`);
    assert.equal(RunFolder.open(run).readLog()[0]!.step, 1);
    await quietly(() => trained(run, 2));
    for (const [i, name] of names.entries()) assert.ok(readFileSync(join(run, name)).equals(wanted[i]!), `after ${room} writes: ${name}`);
    assert.equal(RunFolder.open(run).readLog().map(({ step }) => step), [1, 2]);
    assert.equal(readdirSync(run).filter((name) => name.endsWith('.tmp') || name === 'lock.json'), []);
  }
  console.log(`  a run that goes on: full at each of ${writes} writes`);
});

test('a new run: at every write it ends with a line, and what is there is a run that goes on, or says what to do', async () => {
  const straight = join(temporaryFolder(), 'run');
  const writes = await quietly(() => withRoom(Infinity, () => trained(straight, 1)));
  for (let room = 0; room < writes; room++) {
    const run = join(temporaryFolder(), 'run');
    assert.ok(await quietly(() => lineOf(() => withRoom(room, () => trained(run, 1)))));
    if (!existsSync(join(run, 'config.json'))) RunFolder.requireEmpty(run); // the same command works again
    else if (RunFolder.open(run).checkpoints().length > 0) await quietly(() => trained(run, 2));
  }
  console.log(`  a new run: full at each of ${writes} writes`);
});

test('a data set that is prepared anew: until the very last write the old one is there', async () => {
  const copy = (): string => {
    const out = join(temporaryFolder(), 'set');
    cpSync(data, out, { recursive: true });
    return out;
  };
  const prepare = (out: string) => async (): Promise<void> => void (await prepareDataset({ source: music, out, seconds: 1, splits: 3 }));
  const writes = await withRoom(Infinity, prepare(copy()));
  for (let room = 0; room < writes; room++) {
    const out = copy();
    assert.ok(await lineOf(() => withRoom(room, prepare(out))));
    assert.is(loadDataset(out).clipCount, 4, `after ${room} of ${writes} writes`);
    assert.equal(readdirSync(out).sort(), ['clips.f32', 'manifest.json']);
  }
  console.log(`  a data set: full at each of ${writes} writes`);
});

test.run();
