/** 10,000 damaged files for everything that reads any: a value, or one line for the user. */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfigFile } from '../../scripts/lib/config/file.ts';
import { reportPage } from '../../scripts/lib/report/page.ts';
import { scheduleFrom } from '../../scripts/lib/schedule/flags.ts';
import { loadDataset, prepareDataset } from '../../src/dataset/dataset.node.ts';
import { Journal, readValidations } from '../../src/diffwave/files/journal.node.ts';
import { RunFolder, preparationOf } from '../../src/diffwave/files/run.node.ts';
import { splitByTrack } from '../../src/diffwave/data/split.ts';
import { DiffWave } from '../../src/diffwave/model/model.ts';
import { initialWeights } from '../../src/diffwave/model/weights.ts';
import { UserError } from '../../src/errors.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { decodeSound } from '../../src/formats/sound.ts';
import { encodeWav } from '../../src/formats/wav.ts';
import { noise, sine, temporaryFolder } from '../audio/helpers.ts';
import { gpuForTests } from '../gpuForTests.ts';
import { tinyConfig } from '../diffwave/tiny.ts';
import { Dice, damaged, damagedJson } from './damage.ts';
import { classic } from '../diffwave/classic.ts';

const test = suite('damaged files');

const seed = 11;
let cases = 0;

/** `work` for `count` cases: it must give a value or a UserError of one line. Some must be of either kind, or nothing was tested. */
async function fuzz(what: string, count: number, work: (dice: Dice, item: number) => unknown): Promise<void> {
  let [read, refused] = [0, 0];
  for (let item = 0; item < count; item++, cases++) {
    try {
      await work(new Dice(seed, cases), item);
      read++;
    } catch (error) {
      assert.instance(error, UserError, `${what}, case ${item}: ${error instanceof Error ? error.stack : error}`);
      assert.not.match((error as Error).message, /[\r\n]/, `${what}, case ${item}`);
      refused++;
    }
  }
  console.log(`  ${what}: ${count} cases, ${read} read, ${refused} refused`);
  assert.ok(read > 0 && refused > 0, `${what}: ${read} read, ${refused} refused`);
}

const sounds: { name: string; bytes: Uint8Array }[] = ['files', 'twoTones'].flatMap((folder) => {
  const url = new URL(`../formats/${folder}/`, import.meta.url);
  return readdirSync(url).map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, url))) }));
});
for (const format of ['16', '24', 'float'] as const) sounds.push({ name: `${format}.wav`, bytes: encodeWav(noise(500), { sampleRate: 8000, format, info: { INAM: 'a' } }) });

test('sound files of every format', async () => {
  const wavs = sounds.filter(({ name }) => /wav|au|ai/.test(name));
  const check = async (bytes: Uint8Array): Promise<void> => {
    const { samples, sampleRate, warnings } = await decodeSound(bytes, 'a-name', { seconds: 0.4 });
    assert.ok(samples.length > 0 && sampleRate >= 1 && samples.every((value) => Math.abs(value) <= 1));
    assert.ok(warnings.every((line) => line.startsWith('a-name: ') && !/[\r\n]/.test(line)), warnings.join());
  };
  await fuzz('WAV, AIFF, AU', 3500, (dice) => check(damaged(dice.of(wavs).bytes, dice)));
  await fuzz('all formats', 1500, (dice) => check(damaged(dice.of(sounds).bytes, dice)));
});

test('safetensors', async () => {
  const model = DiffWave.create(await gpuForTests(), tinyConfig);
  const bytes = await model.toBytes();
  await fuzz('safetensors', 1500, (dice) => readSafetensors(damaged(bytes, dice), 'a.safetensors'));
  await fuzz('weights', 500, async (dice) => (await DiffWave.fromBytes(model.gpu, damaged(bytes, dice), { file: 'a.safetensors' })).destroy());
  model.destroy();
});

test('data sets: manifest and clips', async () => {
  const out = join(temporaryFolder(), 'set');
  const source = temporaryFolder({ 'a.wav': sine({ hertz: 440, sampleRate: 22050, samples: 3000 }), 'b.wav': noise(3000), 'c.wav': 'x' });
  const options = { source, seconds: 0.1, splits: 2, downsample: 3 };
  const { manifest } = await prepareDataset({ ...options, out });
  const used = (folder: string): void => {
    const dataset = loadDataset(folder);
    splitByTrack(dataset, { seed: 0, leastClips: 1 });
    for (let i = 0; i < dataset.clipCount; i++) dataset.clip(i);
  };
  const clips = new Uint8Array(readFileSync(join(out, 'clips.f32')));
  await fuzz('manifest.json', 700, (dice) => {
    writeFileSync(join(out, 'manifest.json'), dice.below(2) ? damagedJson(manifest, dice) : damaged(Buffer.from(JSON.stringify(manifest)), dice));
    used(out);
  });
  writeFileSync(join(out, 'manifest.json'), JSON.stringify(manifest));
  await fuzz('clips.f32', 200, (dice) => {
    writeFileSync(join(out, 'clips.f32'), damaged(clips, dice));
    used(out);
  });
  // What is damaged is prepared again, if it can be seen to be ours.
  await fuzz('prepared again', 100, async (dice) => {
    writeFileSync(join(out, 'clips.f32'), damaged(clips, dice));
    writeFileSync(join(out, 'manifest.json'), damagedJson(manifest, dice));
    await prepareDataset({ ...options, out });
    used(out);
  });
});

test('runs: config, checkpoints, log, validations, report', async () => {
  const gpu = await gpuForTests();
  const original = join(temporaryFolder(), 'run');
  const run = RunFolder.create(original, { preset: 'tiny', model: tinyConfig, training: classic.training, data: 'music', preparation: classic.data });
  const model = DiffWave.create(gpu, tinyConfig);
  const [m, v, average] = [2, 3, 4].map((each) => initialWeights(tinyConfig, each));
  for (const step of [1, 2]) await run.save(model, { step, seconds: step, m: m!, v: v!, average, data: 'f' });
  const progress = (step: number) => ({ step, loss: 1 / step, recent: { loss: 1, updates: 1 }, gradientNorm: 1, learningRate: 1e-3, seconds: step, stepsPerSecond: 1, eta: 1 });
  const journal = new Journal(original);
  for (const step of [1, 2, 3]) {
    run.appendLog(progress(step));
    journal.validation({ step, loss: 1 / step, bins: [{ from: 0, to: 1, loss: 1, wiener: 1, zero: 1 }] });
  }
  run.logRecovery({ step: 3, resumedFrom: 2, reason: 'x', seconds: 1 });
  run.markBest({ step: 2, loss: 0.5 });

  const folder = join(temporaryFolder(), 'run');
  cpSync(original, folder, { recursive: true });
  /** One file of a copy of the run is damaged while `work` looks at it. */
  const withDamage = async (path: string, dice: Dice, work: () => unknown): Promise<void> => {
    const whole = readFileSync(join(original, path));
    const isJson = path.endsWith('.json') && dice.below(2) === 0;
    writeFileSync(join(folder, path), isJson ? damagedJson(JSON.parse(String(whole)), dice) : damaged(whole, dice));
    try {
      await work();
    } finally {
      writeFileSync(join(folder, path), whole);
    }
  };
  const used = (): void => {
    const { config } = RunFolder.open(folder);
    preparationOf(config);
  };
  await fuzz('config.json', 700, (dice) => withDamage('config.json', dice, used));
  await fuzz('--config', 500, (dice) => withDamage('config.json', dice, () => readConfigFile(join(folder, 'config.json'))));

  const betas = [0.1, 0.2, 0.3];
  await fuzz('--betas', 100, (dice) => {
    const path = join(folder, 'betas.json');
    writeFileSync(path, dice.below(2) ? damagedJson(betas, dice) : damaged(Buffer.from(JSON.stringify(betas)), dice));
    scheduleFrom({ betas: path } as Parameters<typeof scheduleFrom>[0], tinyConfig);
  });

  const checkpoint = join('checkpoints', 'step-2');
  const files = ['state.json', 'optimizer.safetensors', 'weights.safetensors', 'weights-raw.safetensors'].map((name) => join(checkpoint, name));
  await fuzz('checkpoint', 400, (dice, item) => withDamage(item % 3 === 0 ? files[0]! : dice.of(files), dice, () => {
    const opened = RunFolder.open(folder);
    opened.dataOfNewest();
    opened.identifyWeights();
    assert.is(opened.resume(model).step, 2);
  }));

  const page = (): void => {
    const opened = RunFolder.open(folder);
    assert.ok(opened.best === undefined || typeof opened.best === 'object');
    const content = { name: basename(folder), config: opened.config, log: opened.readLog(), validations: readValidations(folder), samples: [] };
    reportPage(content, { libraryScript: '', libraryStyle: '', clientScript: '' });
  };
  let reports = 0;
  for (const path of ['log.jsonl', 'validation.jsonl']) {
    for (let item = 0; item < 125; item++, cases++, reports++) await withDamage(path, new Dice(seed, cases), page); // never a reason to fail
  }
  console.log(`  log.jsonl, validation.jsonl and the report: ${reports} cases, all read`);
  await fuzz('best.json', 50, (dice) => withDamage('best.json', dice, page));
  model.destroy();
  assert.is(cases, 10_000);
});

test.run();
