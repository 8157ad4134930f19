/** What commands do with the sizes of kernels: tune at first use, keep, find again, and say so. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unkeptLine } from '../../scripts/lib/adapter/openGpu.ts';
import { choiceLines, trialTable, tuningLine } from '../../scripts/lib/adapter/tuningReport.ts';
import type { Gpu } from '../../src/gpu/device/gpu.ts';
import { defaultTile } from '../../src/gpu/device/variant.ts';
import { openGpu, useTuned } from '../../src/tuning/tuned.ts';
import { tunedFor, tuningStore } from '../../src/tuning/tuning.node.ts';
import type { Trial, Tuning } from '../../src/tuning/tuning.ts';
import { nodePlatform } from '../../src/platform/platform.node.ts';
import { temporaryFolder } from '../audio/helpers.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { refuses, succeeds } from './program.ts';

const test = suite('npm run tune');

const network = { channels: 64, kernelSize: 3 };
const better: Trial = { tile: { ...defaultTile, rows: 128, deep: 8 }, seconds: 0.0025 };
const usual: Trial = { tile: defaultTile, seconds: 0.0028 };
const late: Trial = { tile: { ...defaultTile, rows: 128, deep: 16 }, refused: 'not tried: out of time' };
const tuning: Tuning = { trials: [usual, better, late], best: better, seconds: 1.42, rows: 131_072 };
const failed: Tuning = { trials: [{ tile: defaultTile, refused: 'wrong: y is off' }], best: undefined, seconds: 0.3, rows: 131_072 };

/** As much of a GPU as decides about its sizes. */
function gpuWith(own: Partial<Record<keyof Gpu, unknown>> = {}): Gpu {
  return {
    isSoftware: false,
    info: { vendor: 'maker', architecture: 'core-2', device: 'Card 3', description: 'driver 4.5' },
    variant: { variant: 'tile', lanes: 16, maxUniformBytes: 65536, maxStorageBytes: 2 ** 27, maxWorkgroupBytes: 32768, tile: defaultTile },
    device: {
      limits: {
        maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256, maxComputeWorkgroupStorageSize: 32768,
        maxUniformBufferBindingSize: 65536,
      },
    },
    ...own,
  } as unknown as Gpu;
}

/** Sets a GPU's sizes as commands do; returns its variant afterwards, what was printed, and how often was tuned. */
async function opened(gpu: Gpu, path: string, { result = tuning, channels = 64 } = {}) {
  const lines: string[] = [];
  let runs = 0;
  const measure = async (): Promise<Tuning> => {
    runs++;
    return result;
  };
  await useTuned(gpu, { ...network, channels }, {
    store: tuningStore(path), measure,
    onTuned: (tuned) => lines.push(tuningLine(tuned)), onUnkept: (error) => lines.push(unkeptLine(error)),
  });
  return { ...gpu.variant, lines, runs };
}

const newFile = (): string => join(temporaryFolder(), 'tuning.json');

test('a GPU is tuned at first use and once only', async () => {
  const path = newFile();
  const first = await opened(gpuWith(), path);
  assert.equal([first.variant, first.tile, first.runs], ['tile', better.tile, 1]);
  assert.equal(first.lines, ['tuning … 1.4 s: 128 rows × 8 deep, 12 % faster than the default']);
  const second = await opened(gpuWith(), path);
  assert.equal([second.variant, second.tile, second.runs, second.lines], ['tile', better.tile, 0, []]);
  assert.is((await opened(gpuWith(), path, { channels: 32 })).runs, 1);
  writeFileSync(path, '{"damaged');
  assert.is((await opened(gpuWith(), path)).runs, 1);
  assert.is((await opened(gpuWith(), path)).runs, 0);
});

test('software adapters, other variants and odd channels are left alone', async () => {
  const { variant } = gpuWith();
  for (const gpu of [gpuWith({ isSoftware: true }), gpuWith({ variant: { ...variant, variant: 'naive' } })]) {
    const before = gpu.variant;
    assert.is((await opened(gpu, newFile())).runs, 0);
    assert.is(gpu.variant, before);
  }
  assert.is((await opened(gpuWith(), newFile(), { channels: 6 })).runs, 0);
});

test('where no tile kernels are right, the naive ones are used, and that is not kept', async () => {
  const path = newFile();
  const { variant, lines } = await opened(gpuWith(), path, { result: failed });
  assert.is(variant, 'naive');
  assert.equal(lines, ['tuning … 0.3 s: no tile kernels pass (wrong: y is off), so the naive ones are used']);
  assert.equal(tunedFor(gpuWith(), path), []);
});

test('a cache that cannot be written is said, and the choice is used', async () => {
  const blocked = newFile();
  writeFileSync(blocked, '');
  const { tile, lines } = await opened(gpuWith(), join(blocked, 'tuning.json'));
  assert.equal(tile, better.tile);
  assert.match(lines[1]!, /^note: the tuning could not be kept: .*\((ENOTDIR|EEXIST|ENOENT)\)$/);
});

test('a library\'s program opens a Gpu that is tuned, keeps that where it says, and finds it again', async () => {
  const platform = await nodePlatform();
  const kept: Tuning[] = [];
  const store = { find: () => undefined, keep: (_: unknown, __: unknown, tuned: Tuning) => void kept.push(tuned) };
  const measure = async (): Promise<Tuning> => tuning;
  const gpu = await openGpu({ platform: { ...platform, release() {} }, tuneFor: network, store, measure });
  // A software adapter has nothing to tune, and is there all the same.
  assert.equal(kept, gpu.isSoftware ? [] : [tuning]);
  gpu.close();
  const plain = gpuWith();
  await useTuned(plain, network, { store, measure });
  assert.equal([plain.variant.tile, kept.at(-1)], [better.tile, tuning]);
  const known = gpuWith();
  await useTuned(known, network, {
    store: { ...store, find: async () => ({ ...network, tile: late.tile, gain: 1, date: '' }) },
    measure: () => Promise.reject(new Error('what is known is not measured')),
  });
  assert.is(known.variant.tile, late.tile);
});

test('the table has all candidates', () => {
  const sums = String(defaultTile.gradientGroups).padStart(3);
  assert.is(trialTable(tuning), [
    'rows  deep  workgroups  prefetch     time   speed',
    `  64     8         ${sums}        no  2.80 ms  1.00 ×`,
    ` 128     8         ${sums}        no  2.50 ms  1.12 ×  chosen`,
    ` 128    16         ${sums}        no        –       –  not tried: out of time`,
  ].join('\n'));
  assert.is(tuningLine({ ...tuning, best: usual }), 'tuning … 1.4 s: 64 rows × 8 deep, the default');
});

test('npm run info says which kernels, and why', async () => {
  const path = newFile();
  await opened(gpuWith(), path);
  const lines = choiceLines(gpuWith(), tunedFor(gpuWith(), path), path);
  const today = new Date().toISOString().slice(0, 10);
  assert.equal(lines, [
    "chosen    tile: the fixed table's for GPUs",
    `sizes     C = 64, K = 3: 128 rows × 8 deep, 12 % faster than the default (tuned ${today}, ${path})`,
    'sizes     other networks: 64 rows × 8 deep, the default until they are tuned',
  ]);
  const software = gpuWith({ isSoftware: true, variant: { ...gpuWith().variant, variant: 'broadcast', lanes: 8 } });
  assert.equal(choiceLines(software, [], path), ["chosen    broadcast, 8 lanes: the fixed table's for software adapters"]);
});

test('the command says that a software adapter has nothing to tune, and tunes a GPU', async () => {
  const stdout = await succeeds('tune', []);
  const { isSoftware, variant } = await gpuForTests();
  assert.match(stdout, isSoftware
    ? new RegExp(`^nothing to tune: the fixed table gives this adapter the ${variant.variant} kernels`, 'm')
    : /^tuning … \d+\.\d s: \d+ rows × \d+ deep/m);
});

test('refuses presets that are none', () => refuses('tune', ['--preset', 'none'], ['"none"', 'gtzan']));

test('train and sample can do without', async () => {
  const missing = join(temporaryFolder(), 'missing');
  await refuses('train', ['--no-tune', '--data', missing, '--out', join(missing, 'run')], [missing]);
  await refuses('sample', ['--no-tune', '--run', missing, '--out', missing], [missing]);
});

test.run();
