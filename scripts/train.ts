/** npm run train: trains a DiffWave on a data set or a folder of WAV files. */
import { datasetFrom } from '../src/dataset/dataset.node.ts';
import type { Preset } from '../src/diffwave/presets.ts';
import { PRESETS, presetNamed } from '../src/diffwave/presets.ts';
import { receptiveField } from '../src/diffwave/model/shapes.ts';
import { DiffWave } from '../src/diffwave/model/model.ts';
import { RunFolder, preparationOf } from '../src/diffwave/files/run.node.ts';
import { splitByTrack } from '../src/diffwave/data/split.ts';
import { train } from '../src/diffwave/training/loop.ts';
import { UserError } from '../src/errors.ts';
import { formatBytes } from '../src/gpu/device/buffers.ts';
import { command } from './lib/cli/command.ts';
import { interruptSignal } from './lib/cli/interrupt.ts';
import { besideTraining, defaultMemoryLimit, memoryLimitFlag, parseBytes, withCropThatFits } from './lib/train/memory.ts';
import { Monitor, monitorFlags, splitLine } from './lib/train/monitor.ts';
import { noTuneFlag, openGpu } from './lib/adapter/openGpu.ts';
import { planLines } from './lib/report/lines.ts';
import { scheduleAsFlags, scheduleFlags, scheduleFrom } from './lib/schedule/flags.ts';
import { scheduleLine } from './lib/schedule/report.ts';
import { refuseContradictions, trainingFlags, trainingFrom } from './lib/train/flags.ts';
import { typedCommand } from './lib/cli/invocation.ts';

const cli = command({
  name: 'train',
  summary: 'Trains a DiffWave on a prepared data set or a folder of WAV files.',
  flags: {
    data: { type: 'string', placeholder: '<folder>', required: true, help: 'data set, or folder of WAV files' },
    out: { type: 'string', placeholder: '<run>', required: true, help: 'folder of the run: weights, log, checkpoints' },
    preset: { type: 'string', placeholder: '<name>', default: 'gtzan', help: `one of ${Object.keys(PRESETS).join(', ')}` },
    steps: { type: 'integer', default: 100000, min: 1, help: 'updates in total, those before a resume included' },
    ...scheduleFlags,
    loss: { type: 'string', choices: ['mse', 'l1'], help: "mean of squares or of absolute values (the preset's)" },
    ...trainingFlags,
    printEvery: { type: 'integer', default: 100, min: 1, help: 'updates between two lines of progress and log' },
    saveEvery: { type: 'integer', default: 1000, min: 1, help: 'updates between two checkpoints' },
    snapshotEvery: { type: 'integer', default: 500, min: 1, help: 'updates between two snapshots in memory, to go on from if the GPU is lost' },
    keep: { type: 'integer', default: 3, min: 1, help: 'checkpoints that stay: the newest, and the best of validation' },
    ...monitorFlags,
    memoryLimit: memoryLimitFlag,
    resume: { type: 'boolean', help: 'go on from the newest checkpoint in --out' },
    noTune: noTuneFlag,
  },
});

export default cli.does(async ({ flags, given }) => {
  const run = flags.resume ? RunFolder.open(flags.out) : undefined;
  if (run) {
    const { preset, model, training, validationTracks = 0 } = run.config;
    const fixed = { preset, loss: model.loss, validationTracks, ...training, ...scheduleAsFlags(model, flags) };
    refuseContradictions({ path: run.path, fixed, flags, given });
  } else {
    RunFolder.requireEmpty(flags.out); // before work that may take minutes
  }
  const presetName = run?.config.preset ?? flags.preset;
  const preset: Preset = presetNamed(presetName);
  // Before the data is prepared, which may take minutes: flags that contradict each other are said at once.
  const network = run?.config.model
    ?? { ...preset.model, ...scheduleFrom(flags, preset.model), loss: flags.loss ?? preset.model.loss };
  const dataset = datasetFrom(flags.data, run ? preparationOf(run.config) : preset.data, console.log);
  const model = run ? network : { ...network, sampleRate: dataset.sampleRate };
  if (model.sampleRate !== dataset.sampleRate) {
    throw new UserError(`the run was trained at ${model.sampleRate} Hz, but --data ${flags.data} has ${dataset.sampleRate} Hz`);
  }
  const wanted = run?.config.training
    ?? trainingFrom(flags, { preset, clipSamples: dataset.clipSamples, steps: flags.steps });

  const tracks = run ? run.config.validationTracks ?? 0 : flags.validationTracks;
  const split = splitByTrack(dataset, { tracks, seed: wanted.seed, leastClips: wanted.batchSize });

  const gpu = await openGpu({ tune: !flags.noTune, model });
  const diffwave = DiffWave.create(gpu, model, { seed: wanted.seed });
  const memory = {
    memoryLimit: flags.memoryLimit === undefined ? run?.config.memoryLimit ?? defaultMemoryLimit(gpu) : parseBytes(flags.memoryLimit),
    beside: besideTraining(diffwave, { validates: split.validation !== undefined, samples: flags.sampleEvery !== undefined }),
  };
  const training = run || flags.cropSamples !== undefined
    ? wanted
    : withCropThatFits(wanted, { diffwave, clipSamples: dataset.clipSamples, ...memory });
  const resume = run?.resume(diffwave);
  if (resume && resume.step >= flags.steps) {
    throw new UserError(`the run is at step ${resume.step} already: ask for more with --steps`);
  }
  console.log(gpu.describe());
  console.log(
    `model     ${presetName}: ${model.layers} layers × ${model.channels} channels, T = ${model.diffusionSteps}, ` +
    `sees ${receptiveField(model)} samples (${(receptiveField(model) / model.sampleRate).toFixed(2)} s)`,
  );
  console.log(scheduleLine(model));
  console.log(
    `data      ${dataset.clipCount} clips of ${dataset.clipSamples} samples at ${dataset.sampleRate} Hz, ` +
    `batch ${training.batchSize} × ${training.cropSamples ?? dataset.clipSamples} samples`,
  );
  if (training !== wanted) console.log(`cropped   to ${training.cropSamples} samples instead of ${wanted.cropSamples ?? dataset.clipSamples}, so that the step fits`);
  console.log(splitLine(split));
  if (resume) console.log(`resumed   at step ${resume.step}`);
  const signal = interruptSignal('stopping after this step, then saving (again to stop at once)');
  let folder = run;
  let monitor: Monitor | undefined;
  let saved = '';
  let forecast = 0;
  await train(diffwave, {
    ...memory,
    dataset: split.training,
    training,
    resume,
    signal,
    steps: flags.steps,
    printEvery: flags.printEvery,
    saveEvery: flags.saveEvery,
    snapshotEvery: flags.snapshotEvery,
    onStart: async (trainer) => {
      // Only now is it known that everything fits: a run that cannot start leaves no folder behind.
      folder ??= RunFolder.create(flags.out, {
        preset: presetName, model, training, data: flags.data, preparation: dataset.manifest.options, validationTracks: split.tracks,
        memoryLimit: flags.memoryLimit === undefined ? undefined : memory.memoryLimit,
      });
      console.log(planLines(trainer));
      forecast = trainer.memory.forecast.total;
      monitor = await Monitor.create({ ...flags, trainer, run: folder, split, resumedAt: resume?.step });
    },
    onUpdate: ({ step }) => monitor!.update(step),
    onProgress: (progress) => {
      folder!.appendLog(progress);
      monitor!.progress(progress);
    },
    onRecovery: async (trainer, recovery) => {
      folder?.logRecovery(recovery);
      await monitor?.recovered(trainer, recovery);
    },
    onSave: async (state) => {
      monitor!.markIfBest(state.step);
      await folder!.save(diffwave, state, { keep: flags.keep });
      saved = `saved step ${state.step} in ${flags.out}`;
      if (state.step < flags.steps && !signal.aborted) monitor!.display.print(saved);
    },
  }).finally(() => monitor?.end());
  console.log(`GPU memory at the peak ${formatBytes(gpu.buffers.peakBytes)}, ${formatBytes(forecast)} were predicted`);
  console.log(saved);
  console.log(signal.aborted
    ? `go on with: ${typedCommand('train')} --data ${flags.data} --out ${flags.out} --steps ${flags.steps} --resume`
    : `listen with: ${typedCommand('sample')} --run ${flags.out} --seconds 5 --out samples`);
  gpu.close();
});
