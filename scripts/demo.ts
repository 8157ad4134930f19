/**
 * npm run demo: from nothing to sound. Prepares the recordings in `music/`, trains the preset `tiny` for at most three
 * minutes, samples, and says by two figures how far that went.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadDataset, prepareDataset } from '../src/dataset/dataset.node.ts';
import type { Dataset } from '../src/dataset/dataset.ts';
import { contentFingerprint } from '../src/dataset/identity.node.ts';
import { rootMeanSquare } from '../src/audio/level.ts';
import { logSpectrumDistance, meanLogSpectrum } from '../src/audio/spectrogram.ts';
import { spectrogramImage } from '../src/pictures/spectrogramImage.ts';
import { encodeWav16 } from '../src/formats/wav.ts';
import { presetNamed } from '../src/diffwave/presets.ts';
import type { DiffWaveConfig } from '../src/diffwave/model/config.ts';
import { configFor } from '../src/diffwave/model/config.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { RunFolder } from '../src/diffwave/files/run.node.ts';
import { sample } from '../src/diffwave/sampling/sampling.ts';
import type { TrainingConfig } from '../src/diffwave/training/config.ts';
import { train } from '../src/diffwave/training/loop.ts';
import { writeFileAtomic } from '../src/disk/files.node.ts';
import { FolderLock } from '../src/disk/lock.node.ts';
import { Gpu } from '../src/gpu/device/gpu.ts';
import { counters, uniforms } from '../src/random.ts';
import { command } from './lib/cli/command.ts';
import { recordings, throwUnlessOurs } from './lib/cli/ownFolder.ts';
import { inPackage } from './lib/cli/invocation.ts';
import { ensureAdapter } from './lib/adapter/gpu.ts';
import { interruptSignal } from './lib/cli/interrupt.ts';
import { lossCurve } from '../src/pictures/lossCurve.ts';
import { planLines, progressLine, recoveryLine } from './lib/report/lines.ts';

/** Updates in which drivers compile and pieces are measured. */
const warmUpdates = 2;
/** Updates of a trial. */
const leastUpdates = 6;

/** What the demo writes into its folder. */
const ours = ['dataset', 'run', 'sample.wav', 'sample.png', 'loss.png'];

const cli = command({
  name: 'demo',
  summary: 'Trains a small network on the recordings in music/ for three minutes and samples from it.',
  flags: {
    out: { type: 'string', placeholder: '<folder>', default: 'demo-output', help: 'where everything goes; replaced if it is there' },
    minutes: { type: 'number', default: 3, above: 0, help: 'of training at most' },
    steps: { type: 'integer', default: 3000, min: 1, help: 'updates at most' },
    seconds: { type: 'number', default: 5, above: 0, help: 'of sound to make' },
  },
});

export default cli.does(async ({ flags }) => {
  throwUnlessOurs(flags.out, { ours, what: 'demo' });
  await ensureAdapter();
  const gpu = await Gpu.open();
  console.log(gpu.describe());
  const lock = await FolderLock.take(flags.out, { what: 'the demo', log: console.log });
  for (const name of ours) rmSync(join(flags.out, name), { recursive: true, force: true });

  const { model: modelConfig, training, data } = presetNamed('tiny');
  const source = inPackage(recordings);
  await prepareDataset({ source, out: join(flags.out, 'dataset'), ...data });
  const dataset = loadDataset(join(flags.out, 'dataset'));
  console.log(`data      ${dataset.clipCount} clips of ${dataset.clipSamples} samples at ${dataset.sampleRate} Hz from ${recordings}`);

  const config = configFor(modelConfig, dataset);
  const budget = flags.minutes * 60;
  const steps = Math.min(flags.steps, await updatesIn(gpu, { config, training, dataset, budget }));
  const model = DiffWave.create(gpu, config, { seed: training.seed });
  const run = RunFolder.create(join(flags.out, 'run'), { preset: 'tiny', model: model.config, training, data: recordings });
  const signal = interruptSignal('stopping after this step, then sampling (again to stop at once)');
  const last = await train(model, {
    dataset,
    training,
    signal,
    steps,
    maxSeconds: mostOvertime * budget,
    printEvery: 50,
    saveEvery: steps,
    onStart: (trainer) => console.log(planLines(trainer)),
    onProgress: (progress) => {
      if (progress.step === 1 || progress.step % 200 === 0) console.log(progressLine(progress, steps));
      run.appendLog(progress);
    },
    onRecovery: (_, recovery) => {
      console.log(recoveryLine(recovery));
      run.logRecovery(recovery);
    },
    onSave: (state) => run.save(model, { ...state, data: contentFingerprint(dataset) }),
  });

  console.log(`trained ${last?.step ?? 0} updates; now sampling ${flags.seconds} s in ${model.config.diffusionSteps} steps`);
  const L = Math.round(flags.seconds * dataset.sampleRate);
  const averaged = await run.load(gpu); // the running mean of the weights
  const audio = (await sample(averaged, { shape: [1, L], seed: 0 })).audio[0]!;
  const files = { wav: join(flags.out, 'sample.wav'), spectrogram: join(flags.out, 'sample.png'), curve: join(flags.out, 'loss.png') };
  writeFileAtomic(files.wav, encodeWav16(audio, dataset.sampleRate));
  writeFileAtomic(files.spectrogram, spectrogramImage(audio, { sampleRate: dataset.sampleRate, title: 'demo sample' }));
  const log = run.readLog();
  const hasCurve = log.length > 1;
  if (hasCurve) writeFileAtomic(files.curve, lossCurve(log, { title: 'loss of the demo' }));

  const distance = distances(dataset, audio);
  console.log([
    `sample       ${files.wav} (RMS ${rootMeanSquare(audio).toFixed(3)}, data ${dataset.manifest.statistics.rms.toFixed(3)})`,
    `spectrogram  ${files.spectrogram}`,
    hasCurve ? `loss curve   ${files.curve}` : 'loss curve   not drawn: there is one report only',
    `log-spectrum distance to the data: sample ${distance.sample.toFixed(1)} dB, plain noise ${distance.noise.toFixed(1)} dB`,
  ].join('\n'));
  lock.release();
  gpu.close();
});

/** Part of the time in which it is found out how many updates fit into all of it. */
const trialShare = 0.04;
/** The rest may take longer than planned if the machine becomes busy, by so much at most. */
const mostOvertime = 1.2;

/**
 * Updates that fit into `budget` seconds on this machine, the trial included: the learning rate falls towards the last one, which has
 * to be known before the first.
 */
async function updatesIn(gpu: Gpu, { config, training, dataset, budget }: {
  config: DiffWaveConfig; training: TrainingConfig; dataset: Dataset; budget: number;
}): Promise<number> {
  using model = DiffWave.create(gpu, config, { seed: training.seed });
  const start = performance.now();
  const since = (moment: number): number => (performance.now() - moment) / 1000;
  let warm = { moment: start, updates: 0 };
  let updates = 0;
  const enough = new AbortController();
  await train(model, {
    dataset,
    training: { ...training, learningRateSchedule: 'constant' },
    steps: counters,
    signal: enough.signal,
    onUpdate: ({ step }) => {
      updates = step;
      if (step === warmUpdates) warm = { moment: performance.now(), updates: step };
      if (step >= leastUpdates && since(start) > trialShare * budget) enough.abort();
    },
  });
  const perSecond = (updates - warm.updates) / since(warm.moment);
  return Math.max(1, Math.round(perSecond * (budget - since(start))));
}

/** Distances of the mean log spectra to that of the data: of the sample, and of white noise as loud as the data. */
function distances(dataset: Dataset, audio: Float32Array): { sample: number; noise: number } {
  const all = Array.from({ length: dataset.clipCount }, (_, i) => meanLogSpectrum(dataset.clip(i)));
  const wanted = all[0]!.map((_, bin) => all.reduce((sum, spectrum) => sum + spectrum[bin]!, 0) / all.length);
  const halfWidth = dataset.manifest.statistics.rms * Math.sqrt(3); // a uniform distribution of that RMS
  const drawn = uniforms({ seed: 0, stream: 0, step: 0, item: 0, length: audio.length });
  const white = Float32Array.from(drawn, (number) => halfWidth * (2 * number - 1));
  return {
    sample: logSpectrumDistance(meanLogSpectrum(audio), wanted),
    noise: logSpectrumDistance(meanLogSpectrum(white), wanted),
  };
}
