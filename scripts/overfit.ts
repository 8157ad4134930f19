/**
 * npm run overfit: whether everything from the kernels to the WAV works together. Trains on four clips until they are known by heart,
 * samples, and says of each sample which of the four it is. PASS or FAIL.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { datasetFrom, loadDataset, prepareDataset } from '../src/dataset/dataset.node.ts';
import type { Dataset } from '../src/dataset/dataset.ts';
import type { DatasetOptions } from '../src/dataset/options.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import type { Weights } from '../src/diffwave/model/contract.ts';
import { receptiveField } from '../src/diffwave/model/shapes.ts';
import { PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import { sample } from '../src/diffwave/sampling/sampling.ts';
import type { Progress } from '../src/diffwave/training/loop.ts';
import { train } from '../src/diffwave/training/loop.ts';
import { FolderLock } from '../src/disk/lock.node.ts';
import { UserError, escaped } from '../src/errors.ts';
import { chooseExcerpts } from '../src/evaluation/excerpts.ts';
import { verdictOf } from '../src/evaluation/overfit.ts';
import { leastClipSamples, recogniser } from '../src/evaluation/recognise.ts';
import { counters } from '../src/random.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { openGpu } from './lib/adapter/openGpu.ts';
import { command } from './lib/cli/command.ts';
import { interruptSignal } from './lib/cli/interrupt.ts';
import { recordings, throwUnlessOurs } from './lib/cli/ownFolder.ts';
import { inPackage, typedCommand } from './lib/cli/invocation.ts';
import { ours, writeOverfit } from './lib/overfit/output.ts';
import { overfitData, overfitModel, overfitTraining, recipeFor, stepsFor } from './lib/overfit/recipe.ts';
import { adviceLine, recognitionTable, verdictLine } from './lib/overfit/report.ts';
import { planLines, progressLine, recoveryLine } from './lib/report/lines.ts';

/** Clips that are learned by heart: a batch of them. */
const clipCount = 4;

const cli = command({
  name: 'overfit',
  summary: 'Trains on four clips until a network knows them by heart, and says of its samples which clip they are: PASS or FAIL.',
  flags: {
    out: { type: 'string', placeholder: '<folder>', default: 'overfit-output', help: 'where everything goes; replaced if it is there' },
    data: { type: 'string', placeholder: '<folder>', help: 'data set, or folder of music, to take the clips from (the recordings in music/)' },
    preset: { type: 'string', placeholder: '<name>', default: 'tiny', help: `the network: one of ${Object.keys(PRESETS).join(', ')}` },
    clipSamples: { type: 'integer', min: 1, help: 'samples of a clip (tiny 0.14 s, else whole clips of the data set)' },
    steps: { type: 'integer', min: 1, max: counters, help: 'updates (tiny 4000 for 512 samples and more for more, else 20000)' },
    minutes: { type: 'number', above: 0, help: 'of training at most (no limit)' },
    count: { type: 'integer', default: 16, min: 1, max: 1024, help: 'samples to make' },
    seed: { type: 'integer', default: 0, min: 0, help: 'of weights, noise and samples' },
  },
});

export default cli.does(async ({ flags }) => {
  const { out, seed, count } = flags;
  const preset = presetNamed(flags.preset);
  if (preset.model.conditioner === 'mel') throw new UserError(`--preset ${flags.preset} makes sound out of spectrograms, and this test is of networks that make it out of nothing: choose another`);
  const recipe = recipeFor(flags.preset);
  throwUnlessOurs(out, { ours: [...ours, 'dataset'], what: 'test' });
  await ensureAdapter(); // it may start the process again, which must not find its own lock
  const lock = await FolderLock.take(out, { what: 'the overfit test', log: console.log });
  const dataset = await datasetOf(flags.data, { out, options: overfitData(preset, recipe) });
  const { sampleRate } = dataset;
  const L = flags.clipSamples ?? Math.min(Math.max(recipe.clipSamples, leastClipSamples(sampleRate)), dataset.clipSamples);
  const steps = flags.steps ?? stepsFor(recipe, L);
  const clips = chooseExcerpts(dataset, { count: clipCount, samples: L });
  // The schedule assumes data of variance 1; music at RMS 0.15 would lie 16 dB deeper in the noise.
  const scaled = clips.map(({ audio, rms }) => audio.map((value) => value / rms));
  const recognise = recogniser(scaled, { sampleRate });
  for (const name of ours) rmSync(join(out, name), { recursive: true, force: true }); // once it is known that there will be others

  const config = { ...overfitModel(preset, { recipe, L }), sampleRate };
  const training = overfitTraining(preset, { recipe, steps, seed, batchSize: clipCount });
  const gpu = await openGpu({ tune: true, model: config });
  console.log(gpu.describe());
  const model = DiffWave.create(gpu, config, { seed });
  console.log([
    `clips     ${clipCount} of ${L} samples (${(L / sampleRate).toFixed(2)} s) at ${sampleRate} Hz, scaled to RMS 1 for training`,
    ...clips.map(({ file, offsetSeconds, rms }, i) => `  clip ${i + 1}  ${escaped(file)} at ${offsetSeconds.toFixed(2)} s, RMS ${rms.toFixed(3)}`),
    `model     ${flags.preset} with ${config.layers} layers × ${config.channels} channels, T = ${config.diffusionSteps}, cosine, predicts v; ` +
    `sees ${receptiveField(config)} samples`,
  ].join('\n'));

  const log: Progress[] = [];
  const signal = interruptSignal('stopping after this step, then sampling (again to stop at once)');
  let average: Weights | undefined; // which is what to sample from
  const last = await train(model, {
    dataset: { clipCount, clipSamples: L, clip: (i) => scaled[i]! },
    training,
    signal,
    steps,
    maxSeconds: flags.minutes === undefined ? undefined : flags.minutes * 60,
    printEvery: 50,
    saveEvery: steps,
    onStart: (trainer) => console.log(planLines(trainer)),
    onProgress: (progress) => {
      if (progress.step === 1 || progress.step % 200 === 0) console.log(progressLine(progress, steps));
      log.push(progress);
    },
    onRecovery: (_, recovery) => console.log(recoveryLine(recovery)),
    onSave: (state) => { average = state.average; },
  });
  if (!last) throw new UserError('stopped before the first update: there is nothing to sample from');
  if (last.step < steps) console.log(`stopped after ${last.step} of ${steps} updates: the learning rate had not come down, which counts against it`);
  const { recent: { loss: lastLoss } } = last;
  console.log(`trained ${last.step} updates in ${(last.seconds / 60).toFixed(1)} min, loss ${lastLoss.toFixed(4)}; now ${count} samples in ${config.diffusionSteps} steps`);

  if (average) model.parameters.write(model.parameters.values, average);
  const { audio } = await sample(model, { shape: [count, L], seed, variance: 'posterior' });
  const recognitions = audio.map(recognise);
  const verdict = verdictOf(recognitions);
  const record = { preset: flags.preset, adapter: gpu.name, seed, model: config, training };
  const files = writeOverfit(out, { clips, samples: audio, recognitions, verdict, log, sampleRate, record });
  console.log([recognitionTable(recognitions), ...files, verdictLine(verdict, count)].join('\n'));
  if (!verdict.passed) {
    console.log(adviceLine(verdict, { updates: last.step, firstLoss: log[0]!.loss, lastLoss, count, verify: typedCommand('verify').replace(/ --$/, '') }));
  }
  lock.release();
  gpu.close();
  return verdict.passed ? 0 : 1;
});

/** The clips' data set: the one that is given, or what the recordings that come with us become. */
async function datasetOf(data: string | undefined, { out, options }: { out: string; options: DatasetOptions }): Promise<Dataset> {
  if (data !== undefined) return datasetFrom(data, options, console.log);
  await prepareDataset({ source: inPackage(recordings), out: join(out, 'dataset'), ...options });
  return loadDataset(join(out, 'dataset'));
}
